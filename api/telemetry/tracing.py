"""Stages as OpenTelemetry spans. An attribute is an id, a number or a word of ours; a text is left out.

Without an SDK OpenTelemetry's spans do nothing. `tower serve` and the commands set one up where the setting
`telemetry.otlp_endpoint` says where to send spans; a program that has set up its own gets ours too, within `traced()`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from index.errors import TowerError
from index.stages import OBSERVERS, TRACEPARENT, Fact

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span, Tracer

    from api.settings import TelemetrySettings

_ID = re.compile(r"[A-Za-z0-9_.:/{}-]{1,64}")


class Spans:
    """Implements `index.stages.Observer` with a tracer."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    @contextmanager
    def stage(self, name: str) -> Iterator[SpanMark]:
        """One span, below the one that is open here, else below the request's trace context."""
        with self._tracer.start_as_current_span(
            f"tower.{name}", context=parent(), record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield SpanMark(span)
            except BaseException as error:
                failed(span, error)
                raise


class SpanMark:
    """A span that takes ids and numbers only."""

    def __init__(self, span: Span) -> None:
        self._span = span

    def note(self, **facts: Fact) -> None:
        """Keep what is no text: numbers, and words that look like ids."""
        for name, value in facts.items():
            if not isinstance(value, str) or _ID.fullmatch(value):
                self._span.set_attribute(f"tower.{name}", value)


def failed(span: Span, error: BaseException) -> None:
    """Mark a span with the kind of error that left it; what the error says stays here."""
    span.set_attribute("error.type", error.code if isinstance(error, TowerError) else type(error).__name__)
    span.set_status(trace.StatusCode.ERROR)


def parent() -> Context | None:
    """The context that a span belongs below: None for the one that is open here."""
    if trace.get_current_span().get_span_context().is_valid or not TRACEPARENT.get():
        return None
    return TraceContextTextMapPropagator().extract({"traceparent": TRACEPARENT.get()}, otel_context.get_current())


def open_spans(settings: TelemetrySettings) -> tuple[Spans, Callable[[], None]]:
    """Spans that go to `settings.otlp_endpoint` by OTLP over HTTP, and what sends the last ones and stops."""
    from importlib.metadata import version

    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio

    resource = Resource.create({"service.name": settings.service_name, "service.version": version("tower-rag")})
    provider = TracerProvider(resource=resource, sampler=ParentBasedTraceIdRatio(settings.sample))
    exporter = OTLPSpanExporter(endpoint=settings.otlp_endpoint, timeout=settings.timeout)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return Spans(provider.get_tracer("tower")), provider.shutdown


@contextmanager
def observing(settings: TelemetrySettings) -> Iterator[None]:
    """Measure what is done in the block as the settings say; the last spans are sent at its end."""
    if not settings.otlp_endpoint:
        yield
        return
    spans, close = open_spans(settings)
    token = OBSERVERS.set((*OBSERVERS.get(), spans))
    try:
        yield
    finally:
        OBSERVERS.reset(token)
        close()


@contextmanager
def traced() -> Iterator[None]:
    """Spans of the program's own OpenTelemetry set-up for what is done in the block, through LlamaIndex as well."""
    from api.telemetry.llama import llama_spans

    tracer = trace.get_tracer("tower")
    token = OBSERVERS.set((*OBSERVERS.get(), Spans(tracer)))
    try:
        with llama_spans(tracer):
            yield
    finally:
        OBSERVERS.reset(token)
