"""Any LlamaIndex reader by its class path, so that the readers of LlamaHub work: each document is a record.

A reader runs with the rights of this process, and is named in tower.yaml by whoever runs Tower; its package is
installed by them too.
"""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import ConfigDict, SecretStr
from pydantic import Field as Setting

from index.errors import SourceError
from ingest.connectors.support.contract import Batch, Connector, Field, Json, Options, Stream

_DOCUMENT = {"id": "id", "title": "title", "text": ["text"], "kind": "document"}
_PART = 500


class ReaderOptions(Options):
    """`class` is the reader's path (`llama_index.readers.x.XReader`), `arguments` are those of its constructor, with
    `secrets` those that must not be shown; `load` are those of `load_data`. `id` and `title` name metadata."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    class_: str = Setting(alias="class")
    arguments: dict[str, Any] = Setting(default={})
    secret_arguments: dict[str, SecretStr] = Setting(default={})
    load: dict[str, Any] = Setting(default={})
    id: str = ""
    title: str = ""

    def secrets(self) -> list[str]:
        """The secret arguments' values."""
        return [value.get_secret_value() for value in self.secret_arguments.values()]


class ReaderConnector(Connector):
    """Reads the documents that a LlamaIndex reader loads."""

    Options = ReaderOptions
    options: ReaderOptions

    def describe(self) -> Sequence[Stream]:
        """One stream, the documents, read whole each time: readers know no changes."""
        fields = (Field("id", "text"), Field("title", "text"), Field("text", "text"))
        return [Stream("documents", ("id",), fields, documents=_DOCUMENT)]

    def test(self) -> str:
        """Make the reader."""
        return f"{type(self._reader()).__name__} is ready"

    def read(self, stream: Stream, cursor: Json) -> Iterator[Batch]:
        """All documents."""
        times: dict[str, int] = {}
        part: list[dict[str, Any]] = []
        for document in self._documents():
            record = self._record(document)
            count = times[record["id"]] = times.get(record["id"], 0) + 1
            if count > 1:
                record["id"] = f"{record['id']}#{count}"
            part.append(record)
            if len(part) >= _PART:
                yield Batch(part)
                part = []
        yield Batch(part)

    def _reader(self) -> Any:
        path, _, name = self.options.class_.rpartition(".")
        try:
            kind = getattr(importlib.import_module(path), name)
        except (ImportError, AttributeError, ValueError) as error:
            raise SourceError(
                f"no reader {self.options.class_!r}: {error}", hint="is its package installed?"
            ) from error
        secret = {k: v.get_secret_value() for k, v in self.options.secret_arguments.items()}
        try:
            return kind(**self.options.arguments, **secret)
        except Exception as error:
            raise SourceError(
                f"{name} cannot be made: {type(error).__name__}: {error}", hint="check `arguments:` in tower.yaml"
            ) from error

    def _documents(self) -> Iterable[Any]:
        reader = self._reader()
        load = getattr(reader, "lazy_load_data", None) or reader.load_data
        try:
            yield from load(**self.options.load)
        except NotImplementedError:
            yield from reader.load_data(**self.options.load)
        except Exception as error:
            raise SourceError(
                f"{type(reader).__name__} failed: {type(error).__name__}: {error}", hint="check `load:` in tower.yaml"
            ) from error

    def _record(self, document: Any) -> dict[str, Any]:
        """A document as a record. Its own id is a random one with most readers, so that it is made of where it came
        from, else of its text."""
        text = str(document.get_content() if hasattr(document, "get_content") else document)
        held: Mapping[str, Any] = getattr(document, "metadata", None) or {}
        named = [held.get(n) for n in (self.options.id, "id", "source", "url", "file_path", "file_name") if n]
        identity = next((str(value) for value in named if value), "")
        page = held.get("page_label")
        identity = f"{identity}#{page}" if identity and page else identity
        titles = [held.get(n) for n in (self.options.title, "title", "file_name", "subject") if n]
        return {
            "id": identity or hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:24],
            "title": next((str(value) for value in titles if value), None),
            "text": text,
            "metadata": json.loads(json.dumps(dict(held), default=str)),
        }
