"""What every connector is: the streams of a source, their records in batches from a cursor on, and their keys.

A connector reads one outside system and knows nothing of Tower's tables; `ingest.sync.streams` does all the rest. A new
one is a file in `ingest/connectors/` with one subclass of `Connector`; docs/connectors.md shows how. It has to pass
tests/ingest/connectors/contract.py.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, SecretStr

from index.catalogue.model import ColumnType

Json = None | bool | int | float | str | list[Any] | dict[str, Any]
Deletes = Literal["told", "keys", "scan", "never"]
Key = tuple[Any, ...]


@dataclass(frozen=True)
class Field:
    """A field of a stream as its system names it; `type` is None where the system does not say."""

    name: str
    type: ColumnType | None = None


@dataclass(frozen=True)
class Stream:
    """One list of records of a source.

    `key` names the fields that tell records apart. `cursor` names the field that grows with every change (a time or a
    number); empty where every read is whole. `fields` are empty where the system has no schema.

    `deletes` says how a record that is gone is known: `told` (batches carry `deleted`), `keys` (`keys()` lists what is
    there), `scan` (each read is whole, and what it lacks is gone), `never`. With `drifts` a page may shift while it is
    read, so that what a scan lacks is looked for once more. `overlap` is how many seconds before the cursor a read
    begins again. `documents` is the mapping that makes each record a document too, where nobody declares another.
    """

    name: str
    key: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()
    cursor: str = ""
    deletes: Deletes = "scan"
    drifts: bool = False
    overlap: float = 0.0
    documents: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class BrokenRecord:
    """A record that could not be read: where it stands in its stream, why, and what was there."""

    place: str
    reason: str
    raw: str


@dataclass(frozen=True)
class Batch:
    """Some records of a stream, and what to go on with once they are written.

    `cursor` is JSON that `read` takes; everything before it was given. None says that a read can only begin anew.
    `deleted` are keys in the order of `Stream.key`, deleted after the batch's own records; `gone` are records that say
    of themselves that they are deleted, with their key and cursor. `total` is how many records are expected in all, 0
    where it is not known.
    With `unchanged` a whole read would give what the last one gave; with `untold` there may be deletes that the source
    cannot tell any more, so that keys have to be compared; with `restarted` the cursor was too old, and everything
    follows.
    """

    records: Sequence[Mapping[str, Any]] = ()
    cursor: Json = None
    deleted: Sequence[Key] = ()
    gone: Sequence[Mapping[str, Any]] = ()
    broken: Sequence[BrokenRecord] = ()
    total: int = 0
    unchanged: bool = False
    untold: bool = False
    restarted: bool = False


class Options(BaseModel):
    """What tower.yaml says of a source, besides what holds for every source. A secret is a `SecretStr`."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    def secrets(self) -> list[str]:
        """The secret values, for taking them out of messages."""
        return list(_secrets(self))


def _secrets(model: BaseModel) -> Iterator[str]:
    for _, value in model:
        if isinstance(value, SecretStr):
            yield value.get_secret_value()
        elif isinstance(value, BaseModel):
            yield from _secrets(value)


class Connector(ABC):
    """One source, opened for reading. Failures are `SourceError`; nothing at the source is ever changed.

    `options` are the checked ones of tower.yaml, an instance of the class's own `Options`; `base` is the folder that
    relative paths in them start from; `notices` are for who reads the sync's report.
    """

    Options: ClassVar[type[Options]] = Options

    def __init__(self, options: Any, base: Path) -> None:
        self.options = options
        self.base = base
        self.notices: list[str] = []
        self.open()

    def open(self) -> None:
        """Make ready. Asks the source for nothing yet."""
        return None

    @abstractmethod
    def describe(self) -> Sequence[Stream]:
        """Every stream that can be read. Asks the system for its schema where it has one."""

    @abstractmethod
    def read(self, stream: Stream, cursor: Json) -> Iterator[Batch]:
        """The records that changed since `cursor`, all with None; in an order in which every batch's cursor holds."""

    def keys(self, stream: Stream) -> Iterator[Sequence[Key]]:
        """The keys of everything that is there now, in parts. Reads the whole stream unless a system knows better."""
        for batch in self.read(stream, None):
            yield [tuple(record.get(name) for name in stream.key) for record in batch.records]

    @abstractmethod
    def test(self) -> str:
        """Sign in and read the least there is; returns a line that says where to and as whom."""

    def close(self) -> None:
        """Give connections back; idempotent."""
        return None
