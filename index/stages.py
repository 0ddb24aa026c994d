"""The stages of the work on a question, told to whoever measures it: traces, metrics. Nobody listens by default.

The stages are `request`, `ask`, `plan`, `route`, `sql`, `search`, `compose`, `prove`, `drafts` and `model`. What is
noted about one is an id, a count, a number or a word of ours, never a text of a question, an answer or the data.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from contextvars import ContextVar
from typing import Protocol

Fact = str | int | float | bool


class Mark(Protocol):
    """A stage that is going on."""

    def note(self, **facts: Fact) -> None:
        """Keep ids and numbers with the stage."""
        ...


class Observer(Protocol):
    """Measures stages."""

    def stage(self, name: str) -> AbstractContextManager[Mark]:
        """One stage, from entering to leaving; an error that leaves it passes on."""
        ...


class _Unseen:
    """A stage that nobody measures."""

    def note(self, **facts: Fact) -> None:
        """Nothing is kept."""


class _Marks:
    """A stage that several measure."""

    def __init__(self, marks: list[Mark]) -> None:
        self._marks = marks

    def note(self, **facts: Fact) -> None:
        """Tell all of them."""
        for mark in self._marks:
            mark.note(**facts)


OBSERVERS: ContextVar[tuple[Observer, ...]] = ContextVar("observers", default=())
"""Who measures the work that is done in this context."""

TRACEPARENT: ContextVar[str] = ContextVar("traceparent", default="")
"""The W3C trace context that the request came with; empty where it came with none."""

_UNSEEN = _Unseen()


@contextmanager
def stage(name: str) -> Iterator[Mark]:
    """One stage, measured by everybody in `OBSERVERS`."""
    observers = OBSERVERS.get()
    if not observers:
        yield _UNSEEN
        return
    with ExitStack() as held:
        yield _Marks([held.enter_context(observer.stage(name)) for observer in observers])
