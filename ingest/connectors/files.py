"""A folder of files through the contract: its structured files as streams.

Syncs of `kind: files` go by `ingest.sync.tables` and `ingest.sync.documents`, which know a file's hash; this face is
what tests the folder and lists what is in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from ingest.connectors.support.contract import Batch, BrokenRecord, Connector, Json, Options, Stream
from ingest.files import list_files
from ingest.readers import STRUCTURED, Broken, read_records


class FilesOptions(Options):
    """A folder, or one file."""

    path: str


class FilesConnector(Connector):
    """Reads the structured files of a folder."""

    Options = FilesOptions
    options: FilesOptions

    @property
    def _root(self) -> Path:
        return self.base / Path(self.options.path).expanduser()

    def test(self) -> str:
        """List the files."""
        return f"{self._root.name}: {len(list_files(self._root))} files"

    def describe(self) -> Sequence[Stream]:
        """A stream for every structured file; files have no keys of their own."""
        return [Stream(n) for n in list_files(self._root) if PurePosixPath(n).suffix.lower() in STRUCTURED]

    def read(self, stream: Stream, cursor: Json) -> Iterator[Batch]:
        """All records of a file."""
        records, broken = [], []
        for item in read_records(list_files(self._root)[stream.name].path, "", ""):
            if isinstance(item, Broken):
                broken.append(BrokenRecord(str(item.place), item.reason, item.raw))
            else:
                records.append(item.values)
        yield Batch(records, broken=broken, total=len(records))
