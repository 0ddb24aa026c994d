"""LlamaIndex's instrumentation as OpenTelemetry spans: our query engines, retrievers and tools, and others around them.

A span is named after the class and method (`RouterQueryEngine.query`), and has no attributes: LlamaIndex hands the
arguments and results over, which are texts. Tower's own stages become its children.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from llama_index.core.instrumentation import get_dispatcher  # type: ignore[attr-defined]
from llama_index.core.instrumentation.span import BaseSpan
from llama_index.core.instrumentation.span_handlers import BaseSpanHandler
from opentelemetry import context as otel_context
from opentelemetry import trace
from pydantic import PrivateAttr

from api.telemetry.tracing import failed, parent

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer


class LlamaSpan(BaseSpan):
    """An OpenTelemetry span, and the token that puts the context before it back."""

    _span: Any = PrivateAttr()
    _token: Any = PrivateAttr()


class LlamaSpans(BaseSpanHandler[LlamaSpan]):
    """Opens and ends a span with each of LlamaIndex's."""

    _tracer: Any = PrivateAttr()

    def __init__(self, tracer: Tracer) -> None:
        super().__init__(open_spans={}, completed_spans=[], dropped_spans=[], current_span_ids={})
        self._tracer = tracer

    def new_span(
        self, id_: str, bound_args: Any, instance: Any = None, parent_span_id: str | None = None, tags: Any = None,
        **kwargs: Any,
    ) -> LlamaSpan:  # fmt: skip
        """Begin a span below the one that is open in this context."""
        made = LlamaSpan(id_=id_, parent_id=parent_span_id)
        made._span = self._tracer.start_span(id_.partition("-")[0], context=parent())
        made._token = otel_context.attach(trace.set_span_in_context(made._span))
        return made

    def prepare_to_exit_span(
        self, id_: str, bound_args: Any, instance: Any = None, result: Any = None, **kwargs: Any
    ) -> LlamaSpan | None:
        """End it."""
        return self._ended(id_, None)

    def prepare_to_drop_span(
        self, id_: str, bound_args: Any, instance: Any = None, err: BaseException | None = None, **kwargs: Any
    ) -> LlamaSpan | None:
        """End it with the kind of its error."""
        return self._ended(id_, err)

    def _ended(self, id_: str, error: BaseException | None) -> LlamaSpan | None:
        made = self.open_spans.get(id_)
        if made is None:
            return None
        if error is not None:
            failed(made._span, error)
        otel_context.detach(made._token)
        made._span.end()
        return made


@contextmanager
def llama_spans(tracer: Tracer) -> Iterator[None]:
    """Spans of everything that LlamaIndex does in this process while the block runs."""
    root, handler = get_dispatcher(), LlamaSpans(tracer)
    root.add_span_handler(handler)
    try:
        yield
    finally:
        root.span_handlers = [one for one in root.span_handlers if one is not handler]
