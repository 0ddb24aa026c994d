"""The order of what a stream delivers: twice, late, or after its own deletion; what of it counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ingest.connectors.support.contract import Batch, Key
from ingest.records import RawRow
from ingest.sync.stream_rows import StreamShape

GRAVES = 2_000  # deletions of a table that are remembered


@dataclass(frozen=True)
class Delivered:
    """What counts of some batches: `kept` are the records to write, one a key; `removed` say that they are
    deleted; `told` are keys that the source says are deleted; `came` are all records as they came."""

    kept: list[RawRow]
    removed: list[RawRow]
    told: list[Key]
    came: list[RawRow]


@dataclass
class Deliveries:
    """Sorts batches. `graves` are the latest deletions, by place with their cursor: JSON that is kept between syncs."""

    shape: StreamShape
    graves: dict[str, str | int | float] = field(default_factory=dict)

    def sort(self, batches: Sequence[Batch], known: frozenset[str]) -> Delivered:
        """What counts of `batches`. A record after its own deletion that is not newer was delivered late."""
        told: dict[str, Key] = {}
        came: list[RawRow] = []
        dead: set[int] = set()
        for batch in batches:
            raws = self.shape.raws(batch.records, known)
            for raw in raws if told else ():
                told.pop(raw.place, None)  # it was made anew
            gone = self.shape.raws(batch.gone, known)
            dead.update(id(raw) for raw in gone)
            came += [*raws, *gone]
            told.update({"|".join(map(str, key)): key for key in batch.deleted})
        newest = self.shape.newest(came)
        if not (dead or self.graves or self.shape.deleted):
            return Delivered(newest, [], list(told.values()), came)
        removed = [raw for raw in newest if id(raw) in dead or self.shape.is_deleted(raw)]
        self._bury(removed)
        lost = {id(raw) for raw in removed}
        kept = [raw for raw in newest if id(raw) not in lost and not self._is_buried(raw)]
        return Delivered(kept, removed, list(told.values()), came)

    def _bury(self, removed: Sequence[RawRow]) -> None:
        for raw in removed:
            version = raw.values.get(self.shape.cursor)
            if isinstance(version, str | int | float):
                self.graves.pop(raw.place, None)
                self.graves[raw.place] = version
        for place in list(self.graves)[:-GRAVES]:
            del self.graves[place]

    def _is_buried(self, raw: RawRow) -> bool:
        version = self.graves.get(raw.place)
        return version is not None and not self.shape.after(raw.values.get(self.shape.cursor), version)
