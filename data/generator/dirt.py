"""The account of the dirt planted in the exports: what, where, and what an ingest should make of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Literal

Effect = Literal["quarantined", "ignored", "normalised", "loaded"]


@dataclass(frozen=True)
class Blot:
    """One kind of dirt. `effect` says what becomes of it: quarantined (kept aside with a reason), ignored (a repeat
    that changes nothing), normalised (read as its clean value) or loaded (kept as it is, to be handled later)."""

    source: str
    target: str
    kind: str
    count: int
    effect: Effect
    note: str = ""


@dataclass
class Dirt:
    """Everything planted, in the order of planting."""

    blots: list[Blot] = field(default_factory=list)

    def add(self, source: str, target: str, kind: str, count: int, effect: Effect, note: str = "") -> None:
        """Note `count` planted pieces of one kind."""
        self.blots.append(Blot(source, target, kind, count, effect, note))

    def quarantined(self) -> dict[str, int]:
        """How many records or files an ingest should quarantine, by source."""
        counts: Counter[str] = Counter()
        for blot in self.blots:
            if blot.effect == "quarantined":
                counts[blot.source] += blot.count
        return dict(counts)

    def rows(self) -> list[dict[str, object]]:
        """The account as plain rows."""
        return [asdict(blot) for blot in self.blots]
