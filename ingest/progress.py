"""What a sync tells while it runs, and when it is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from index.store.writer import RunTotals


@dataclass(frozen=True)
class Progress:
    """How far one table or the documents of a source are: `done` of `total` in `unit` (files or rows), `rate` a
    second; `total` is 0 where it is not known."""

    source: str
    item: str
    done: int
    total: int
    rate: float
    unit: str = "files"


@dataclass(frozen=True)
class SyncReport:
    """The end of one source's sync. `status` is ok or failed; with failed, `message` and `hint` say why.

    `totals.read == totals.loaded + totals.unchanged + totals.quarantined`.
    """

    source: str
    status: str
    totals: RunTotals
    seconds: float
    message: str = ""
    hint: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """True when the source was brought up to date."""
        return self.status == "ok"


Listener = Callable[[Progress], None]


def silent(_progress: Progress) -> None:
    """A listener that ignores everything."""
