"""How much of one question may leave for models: characters, over all roles together.

`Outgoing.sent` spends before a text leaves; what is over the budget does not leave, and the answer goes on without the
model. Outside of a question nothing is limited.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from index.errors import LimitError


@dataclass
class EgressBudget:
    """Counts `used` of at most `most` characters; safe from several threads."""

    most: int
    used: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def spend(self, characters: int) -> None:
        """Count what is about to leave. Raises `LimitError`, and counts nothing, where it would be too much."""
        with self._lock:
            if self.used + characters > self.most:
                raise LimitError(
                    f"this question may send {self.most:,} characters to models; {self.used:,} were sent and "
                    f"{characters:,} more were wanted",
                    hint="raise models.egress_characters, or ask for less at once",
                )
            self.used += characters


_BUDGET: ContextVar[EgressBudget | None] = ContextVar("egress_budget", default=None)


@contextmanager
def egress_budget(most: int) -> Iterator[EgressBudget]:
    """A budget for one question; within another one (a question asked on behalf of one) the outer one holds."""
    outer = _BUDGET.get()
    if outer is not None:
        yield outer
        return
    token = _BUDGET.set(EgressBudget(most))
    try:
        held = _BUDGET.get()
        assert held is not None
        yield held
    finally:
        _BUDGET.reset(token)


def current_budget() -> EgressBudget | None:
    """The budget of the question that is being answered."""
    return _BUDGET.get()


def spend(characters: int, budget: EgressBudget | None = None) -> None:
    """Count what is about to leave on `budget`, or on that of the question being answered."""
    held = budget or current_budget()
    if held is not None:
        held.spend(characters)
