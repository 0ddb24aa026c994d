"""Long lists in pages: `limit` entries, then `next`, the name of where the rest begins, to be sent as `after`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

from fastapi import Query

from index.errors import UsageError

MOST = 1_000
T = TypeVar("T")
LimitQuery = Annotated[int, Query(ge=1, le=MOST, description="How many entries at most.")]
AfterQuery = Annotated[str, Query(max_length=200, description="The `next` of the page before; empty for the first.")]


def page(entries: Sequence[T], limit: int, after: str, name: Callable[[T], str]) -> tuple[list[T], dict[str, Any]]:
    """The entries behind the one that is named `after`, and `{"next": ...}` where more follow.

    `entries` are in a stable order, and `name` tells them apart. A name that is not among them is a `UsageError`: what
    it stood for is gone, and going on from somewhere else would leave entries out.
    """
    start = 0
    if after:
        start = next((at + 1 for at, entry in enumerate(entries) if name(entry) == after), 0)
        if not start:
            raise UsageError(f"there is no entry {after!r} to go on after", hint="begin with the first page again")
    part = list(entries[start : start + limit])
    more = start + limit < len(entries)
    return part, {"next": name(part[-1])} if more else {}
