"""What the work for one request uses up: rows, a model's tokens, and what they cost.

Whoever calls a model asks `current().require()` before, and says `current().spend(tokens=..., cost=...)` after.
`api.access.limits` counts it for the user and the client of the request; outside of a server nothing is counted.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Protocol


class Usage(Protocol):
    """Counts for one caller."""

    @property
    def client(self) -> str:
        """The program that the caller calls through; empty where none is known."""
        ...

    def require(self) -> None:
        """Raises `LimitError` where the caller's tokens or cost are used up: no model is called then."""
        ...

    def spend(self, *, rows: int = 0, tokens: int = 0, cost: float = 0.0) -> None:
        """Count what was used: rows and passages, tokens in and out, cost in the unit of the models' prices."""
        ...


class Uncounted:
    """The usage of a command on this machine: nothing is counted, and nothing is limited."""

    client = ""

    def require(self) -> None:
        """There is no limit."""

    def spend(self, *, rows: int = 0, tokens: int = 0, cost: float = 0.0) -> None:
        """Nothing is counted."""


USAGE: ContextVar[Usage] = ContextVar("usage", default=Uncounted())  # noqa: B039 - it has no state


def current() -> Usage:
    """The usage of the request that is being served."""
    return USAGE.get()
