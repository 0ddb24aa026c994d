"""Forgetting a customer everywhere: the SQL index in one transaction, then what is derived of it, then the proof.

A kill in between leaves it out of the SQL index and kept out; the same command again goes on with the rest.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from index.catalogue.model import Catalogue
from index.embedding.embedder import Embedder
from index.errors import StorageError
from index.forgetting.erase import Erased, Eraser, Subject
from index.forgetting.suppression import Suppression
from index.scope import Scope
from index.store.store import Store
from index.vectors.gateway import Narrow, VectorGateway
from index.vectors.generations import Generations
from ingest.indexing import index_vectors, optimise

RECEIPTS = "receipts"
OBJECTS, PICTURES = "objects", "pictures"
FILES = ("tower.db*", "vectors/**/*", f"{OBJECTS}/**/*", "logs/**/*", "jobs.sqlite*", f"{PICTURES}/**/*")
_PIECE = 1 << 24  # bytes that are searched at a time
Told = Callable[[str], None]


@dataclass(frozen=True)
class StoreReceipt:
    """One store: how much was removed, and how much was found when it was asked again."""

    store: str
    removed: int
    left: int


@dataclass(frozen=True)
class Receipt:
    """That somebody was forgotten. `subject` is a keyed hash: nothing here says who it was. `absent` is true where no
    store holds anything any more; `sources` are the systems that it came from, which Tower does not change."""

    receipt: str
    subject: str
    requested_by: str
    began_at: str
    ended_at: str
    stores: tuple[StoreReceipt, ...]
    absent: bool
    sources: tuple[str, ...]
    notices: tuple[str, ...]


@dataclass(frozen=True)
class Holdings:
    """Everything of a workspace that may hold somebody. `live` gives the live generation with its gateway, None before
    the first build; `resolve` writes anew which records of different systems are one entity; `settle` waits for
    questions that began before, and is true where there were some."""

    home: Path
    store: Store
    eraser: Eraser
    generations: Generations
    embedder: Embedder
    live: Callable[[], tuple[str, VectorGateway] | None]
    resolve: Callable[[], None]
    settle: Callable[[], bool]


def forget(
    held: Holdings, catalogue: Catalogue, subject: Subject, scope: Scope, requested_by: str, told: Told
) -> Receipt:
    """Take a customer out of every store, look for it again in each, and write the receipt. `scope` sees everything.

    Raises `StorageError` where a store cannot be written; what was done until then stays done.
    """
    began = _now()
    told("taking it out of the SQL index")
    erased = held.eraser.erase(catalogue, subject)
    if held.settle():  # a question that ran beside it may have kept its answer after it
        erased = replace(erased, counts=held.eraser.erase(catalogue, subject).counts)
    held.resolve()
    told("taking it out of the vector index")
    live = held.live()
    points = _vectors(held, live)
    copies = _remove_files(held.home, held.store.suppression(), erased)
    held.eraser.compact(told)
    told("looking whether anything is left")
    stores = _proof(held, catalogue, subject, scope, live, erased, points, copies)
    notices = _notices(held.home, erased, stores)
    absent = not any(one.left for one in stores)
    receipt = Receipt(
        secrets.token_hex(8), erased.pseudonym, requested_by, began, _now(), stores, absent, erased.sources, notices
    )
    _write(held.home, receipt)
    if absent:
        held.eraser.finish(erased.pseudonym)
    return receipt


def receipt_digest(receipt: Receipt) -> str:
    """The SHA-256 of the receipt's file."""
    return hashlib.sha256(_content(receipt)).hexdigest()


def _vectors(held: Holdings, live: tuple[str, VectorGateway] | None) -> int:
    """Remove the points, what the engine keeps of them, and every other generation; how many points went."""
    held.generations.collect(keep=0, unfinished=True)
    if live is None:
        return 0
    generation, gateway = live
    points = index_vectors(held.store, gateway, held.embedder, generation).deleted
    gateway.purge()
    optimise(gateway)
    return points


def _remove_files(home: Path, suppression: Suppression, erased: Erased) -> int:
    """Remove copies of files that hold it, and pictures that were made for it; how many."""
    gone = [path for path in _files(home, (f"{OBJECTS}/**/*",)) if _holds(path, erased.texts)]
    gone += [path for path in _files(home, (f"{PICTURES}/**/*",)) if suppression.names(path.stem)]
    for path in gone:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(f"{path} cannot be removed: {error}", hint="remove it, then run this again") from error
    return len(gone)


def _proof(
    held: Holdings,
    catalogue: Catalogue,
    subject: Subject,
    scope: Scope,
    live: tuple[str, VectorGateway] | None,
    erased: Erased,
    points: int,
    copies: int,
) -> tuple[StoreReceipt, ...]:
    """Every store asked again."""
    left = held.eraser.look(catalogue, subject).counts()
    stores = [StoreReceipt(name, count, left.pop(name, 0)) for name, count in erased.counts.items()]
    stores += [StoreReceipt(name, 0, count) for name, count in left.items() if count]
    stores.append(StoreReceipt("vectors and keywords", points, _vectors_left(held, scope, live, subject, erased)))
    found = len(_files_left(held.home, erased))
    return (
        *stores,
        StoreReceipt("copies of files", copies, 0),
        StoreReceipt("bytes of the workspace's files", 0, found),
    )


def _vectors_left(
    held: Holdings, scope: Scope, live: tuple[str, VectorGateway] | None, subject: Subject, erased: Erased
) -> int:
    """Points that are found about it or of its documents, and those that the index holds beyond what SQL knows."""
    if live is None:
        return 0
    generation, gateway = live
    stale = len(held.store.stale_vectors(generation))
    beyond = max(0, gateway.count() - held.store.count_vectors(generation))
    direction = held.embedder.embed_query("customer")
    narrows = [Narrow(entities=(subject.place,))]
    if erased.documents:
        narrows.append(Narrow(doc_ids=erased.documents))
    hits = {
        hit.chunk_id for narrow in narrows for hit in gateway.search(scope, direction, None, narrow=narrow, limit=100)
    }
    return stale + beyond + len(hits)


def _files_left(home: Path, erased: Erased) -> list[Path]:
    return [path for path in _files(home, FILES) if _holds(path, erased.texts)]


def _notices(home: Path, erased: Erased, stores: Iterable[StoreReceipt]) -> tuple[str, ...]:
    notices = []
    if erased.sources:
        notices.append(f"remove it at its sources, too: {', '.join(erased.sources)}; Tower keeps it out until --undo")
    if not erased.texts:
        notices.append("its key and name are too short to look for in texts and files: only records were looked at")
    if any(one.left for one in stores):
        notices += [f"{one.store}: {one.left} are left; run this again" for one in stores if one.left]
        folders = sorted({str(path.parent.relative_to(home)) for path in _files_left(home, erased)})
        notices += [f"a file in {folder} holds its name or key" for folder in folders]
    return tuple(notices)


def _files(home: Path, patterns: Iterable[str]) -> Iterator[Path]:
    for pattern in patterns:
        yield from (path for path in sorted(home.glob(pattern)) if path.is_file())


def _holds(path: Path, texts: Iterable[str]) -> bool:
    """True where a file has one of the texts in its name or its bytes."""
    wanted = [text.encode("utf-8", "surrogatepass") for text in texts]
    if not wanted:
        return False
    if any(text in path.name.encode("utf-8", "surrogateescape") for text in wanted):
        return True
    keep = max(map(len, wanted)) - 1
    tail = b""
    try:
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                piece = tail + piece
                if any(text in piece for text in wanted):
                    return True
                tail = piece[-keep:] if keep else b""
    except FileNotFoundError:
        return False  # a log that was rolled over
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error}", hint="run this again when it can") from error
    return False


def _write(home: Path, receipt: Receipt) -> None:
    target = home / RECEIPTS / f"{receipt.ended_at[:10]}-{receipt.receipt}.json"
    try:
        target.parent.mkdir(exist_ok=True)
        partial = target.with_suffix(".partial")
        partial.write_bytes(_content(receipt))
        partial.replace(target)
    except OSError as error:
        raise StorageError(f"the receipt {target} cannot be written: {error}", hint="run this again") from error


def _content(receipt: Receipt) -> bytes:
    return json.dumps(asdict(receipt), indent=2, ensure_ascii=False).encode() + b"\n"


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
