"""A segment of the keyword index: an immutable file of postings, vectors, payloads, and of what policy asks
about each point.

Everything in it is an array, mapped and not read, so that a large one opens at once and costs no memory of its own.
A posting list holds the points with a term, in ascending order, and the term's weight in each. Labels (tags, entities,
source, document) are 64-bit hashes, each field with its list of different ones. Vectors are of unit length, in half
precision: what ranking reads of them differs by less than a ten-thousandth.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from index.vectors.gateway import Point

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]
FIELDS = ("tags", "entities", "source", "doc_id")
_MAGIC = b"TOWERKW2"
_EARLIER = (b"TOWERKW1",)  # without vectors
_ALIGNED = 64
_PIECE = 4_096  # vectors written at a time


@lru_cache(maxsize=65_536)
def label(text: str) -> int:
    """The hash that stands for a label."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


@dataclass(frozen=True)
class Gathered:
    """Vectors of several segments, those of the points that are kept: read when they are written, a piece at a time."""

    parts: Sequence[tuple[Array, Mask]]

    @property
    def dtype(self) -> np.dtype[Any]:
        """What a number is."""
        kind: np.dtype[Any] = self.parts[0][0].dtype
        return kind

    @property
    def shape(self) -> tuple[int, int]:
        """How many vectors, and how long they are."""
        return sum(int(mask.sum()) for _, mask in self.parts), max(vectors.shape[1] for vectors, _ in self.parts)

    def pieces(self) -> Iterator[Array]:
        """The vectors in order."""
        for vectors, mask in self.parts:
            rows = np.flatnonzero(mask)
            for first in range(0, len(rows), _PIECE):
                yield vectors[rows[first : first + _PIECE]]


class Segment:
    """Points in the order of their rows. `ids` are the engine's (16 bytes each); `removed` names points of older
    segments that this one takes away, beside those that it holds itself."""

    def __init__(self, arrays: Mapping[str, Any]) -> None:
        self.arrays = arrays
        self.ids: Array = arrays["ids"]
        self.removed: Array = arrays["removed"]
        self.terms: Array = arrays["terms"]
        self.starts: Array = arrays["starts"]
        self.rows: Array = arrays["rows"]
        self.weights: Array = arrays["weights"]
        self._tops: Array = arrays["tops"]

    def __len__(self) -> int:
        return len(self.ids)

    def keys(self) -> npt.NDArray[np.uint64]:
        """The first eight bytes of each id as a number, which tells points apart."""
        keys: npt.NDArray[np.uint64] = np.ascontiguousarray(self.ids[:, :8]).view(">u8").ravel().astype(np.uint64)
        return keys

    @cached_property
    def _places(self) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
        keys = self.keys()
        order = np.argsort(keys, kind="stable")
        return keys[order], order

    def rows_of(self, keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
        """The row of each key, -1 for one that is not here."""
        held, order = self._places
        if not len(held):
            return np.full(len(keys), -1, dtype=np.int64)
        places = np.minimum(np.searchsorted(held, keys), len(held) - 1)
        rows: npt.NDArray[np.int64] = np.where(held[places] == keys, order[places], -1)
        return rows

    def vectors(self, rows: Array) -> npt.NDArray[np.float32]:
        """The vectors of rows."""
        found: npt.NDArray[np.float32] = self.arrays["vectors"][rows].astype(np.float32)
        return found

    def payloads(self, rows: Array) -> list[dict[str, Any]]:
        """The payloads of rows, as `Point.payload` gives them."""
        texts, starts = self.arrays["payloads"], self.arrays["payload_starts"]
        spans, held = zip(starts[rows].tolist(), starts[rows + 1].tolist(), strict=True), texts.data
        found: list[dict[str, Any]] = json.loads(b"[" + b",".join([held[a:b] for a, b in spans]) + b"]")
        return found

    def postings(self, term: int) -> tuple[Array, Array, float]:
        """Rows and weights of a term, and the largest weight; empty where no point has it."""
        place = int(self.terms.searchsorted(np.uint32(term)))  # as another type, all terms would be copied to compare
        if place == len(self.terms) or self.terms[place] != term:
            return self.rows[:0], self.weights[:0], 0.0
        first, last = int(self.starts[place]), int(self.starts[place + 1])
        return self.rows[first:last], self.weights[first:last], float(self._tops[place])

    def carrying(self, field: str, labels: Collection[int], *, other: bool = False) -> Mask:
        """The points with one of `labels` in `field`; with `other`, those with a label that is none of them."""
        known: Array = self.arrays[f"{field}.labels"]
        chosen = np.isin(known, np.fromiter(labels, np.uint64, len(labels)))
        mask = np.zeros(len(self), dtype=np.bool_)
        mask[self.arrays[f"{field}.rows"][(chosen ^ other)[self.arrays[f"{field}.codes"]]]] = True
        return mask

    def dated(self, since: int, until: int) -> Mask:
        """The points with a day from `since` to `until`, both included, as numbers (20260501)."""
        days: Array = self.arrays["days"]
        mask: Mask = (days >= since) & (days <= until) & (days > 0)
        return mask


def day_number(day: str) -> int:
    """An ISO day as a number that sorts as days do; 0 for what is none."""
    digits = day[:10].replace("-", "")
    return int(digits) if len(digits) == 8 and digits.isascii() and digits.isdigit() else 0


def build(points: Sequence[tuple[bytes, Point]], removed: Iterable[int] = ()) -> Segment:
    """A segment of points with their ids, in the order given."""
    counts = np.array([len(point.sparse.indices) for _, point in points], dtype=np.int64)
    terms = np.fromiter((t for _, p in points for t in p.sparse.indices), np.uint32, int(counts.sum()))
    weights = np.fromiter((w for _, p in points for w in p.sparse.values), np.float32, int(counts.sum()))
    rows = np.repeat(np.arange(len(points), dtype=np.uint32), counts)
    held: dict[str, list[Collection[str]]] = {
        "tags": [point.tags for _, point in points],
        "entities": [point.entities for _, point in points],
        "source": [(point.source,) for _, point in points],
        "doc_id": [(point.doc_id,) for _, point in points],
    }
    arrays: dict[str, Any] = dict(_postings(terms, rows, weights))
    for field in FIELDS:
        owner = np.repeat(np.arange(len(points), dtype=np.uint32), [len(one) for one in held[field]])
        labels = np.array([label(text) for one in held[field] for text in one], dtype=np.uint64)
        arrays |= _labelled(field, owner, labels)
    arrays["ids"] = np.frombuffer(b"".join(identity for identity, _ in points), dtype=np.uint8).reshape(-1, 16)
    payloads = [point.payload() for _, point in points]
    texts = [json.dumps(payload, separators=(",", ":")).encode() for payload in payloads]
    arrays["payloads"] = np.frombuffer(b"".join(texts), dtype=np.uint8)
    arrays["payload_starts"] = _starts([len(text) for text in texts])
    arrays["days"] = np.array([day_number(payload["date"]) for payload in payloads], dtype=np.int32)
    arrays["removed"] = np.array(sorted(removed), dtype=np.uint64)
    arrays["vectors"] = _unit([point.dense for _, point in points])
    return Segment(arrays)


def _unit(vectors: Sequence[npt.ArrayLike]) -> npt.NDArray[np.float16]:
    """Vectors at unit length."""
    if not vectors:
        return np.zeros((0, 0), dtype=np.float16)
    array = np.array(vectors, dtype=np.float32)
    unit: npt.NDArray[np.float16] = (array / np.linalg.norm(array, axis=1, keepdims=True)).astype(np.float16)
    return unit


def merge(segments: Sequence[Segment], kept: Sequence[Mask], removed: npt.NDArray[np.uint64]) -> Segment:
    """One segment of the `kept` points of several, in their order; `removed` goes on to hold for older ones. Its
    vectors are `Gathered`: it is for writing."""
    moved, base = [], 0
    for mask in kept:
        moved.append(np.where(mask, np.cumsum(mask) - 1 + base, -1))
        base += int(mask.sum())

    def gather(rows_of: str, *others: str) -> tuple[Array, ...]:
        """Arrays that run beside one of rows, without what was left out, the rows renumbered."""
        new = [place[one.arrays[rows_of]] for one, place in zip(segments, moved, strict=True)]
        stays = [rows >= 0 for rows in new]
        out = [np.concatenate([rows[s] for rows, s in zip(new, stays, strict=True)]).astype(np.uint32)]
        for name in others:
            parts = [_spread(one, name)[s] for one, s in zip(segments, stays, strict=True)]
            out.append(np.concatenate(parts))
        return tuple(out)

    rows, terms, weights = gather("rows", "terms", "weights")
    arrays: dict[str, Any] = dict(_postings(terms, rows, weights))
    for field in FIELDS:
        owner, labels = gather(f"{field}.rows", f"{field}.labels")
        arrays |= _labelled(field, owner, labels)
    for name in ("ids", "days"):
        arrays[name] = np.concatenate([one.arrays[name][mask] for one, mask in zip(segments, kept, strict=True)])
    sizes = [np.diff(one.arrays["payload_starts"]) for one in segments]
    chosen = [(one.arrays["payloads"], np.repeat(m, size)) for one, m, size in zip(segments, kept, sizes, strict=True)]
    arrays["payloads"] = np.concatenate([texts[mask] for texts, mask in chosen])
    arrays["payload_starts"] = _starts(np.concatenate([size[mask] for size, mask in zip(sizes, kept, strict=True)]))
    arrays["removed"] = removed
    arrays["vectors"] = Gathered([(one.arrays["vectors"], mask) for one, mask in zip(segments, kept, strict=True)])
    return Segment(arrays)


def _spread(segment: Segment, name: str) -> Array:
    """An array with a value for each row entry: terms and labels are kept once and are written out here."""
    if name == "terms":
        spread: Array = np.repeat(segment.terms, np.diff(segment.starts))
        return spread
    if name.endswith(".labels"):
        written: Array = segment.arrays[name][segment.arrays[name.replace(".labels", ".codes")]]
        return written
    plain: Array = segment.arrays[name]
    return plain


def _postings(terms: Array, rows: Array, weights: Array) -> dict[str, Array]:
    """Posting lists by term; within a term the rows stay in order."""
    order = np.argsort(terms, kind="stable")
    terms = terms[order]
    different, first = np.unique(terms, return_index=True)
    starts = np.append(first, len(terms)).astype(np.int64)
    weights = weights[order]
    tops = np.maximum.reduceat(weights, first) if len(first) else weights
    return {"terms": different, "starts": starts, "rows": rows[order], "weights": weights, "tops": tops}


def _starts(sizes: Sequence[int] | Array) -> npt.NDArray[np.int64]:
    """Where each begins, and the end."""
    starts = np.zeros(len(sizes) + 1, dtype=np.int64)
    np.cumsum(sizes, out=starts[1:])
    return starts


def _labelled(field: str, rows: Array, labels: Array) -> dict[str, Array]:
    known, codes = np.unique(labels, return_inverse=True)
    return {f"{field}.labels": known, f"{field}.codes": codes.astype(np.uint32), f"{field}.rows": rows}


def write(segment: Segment, path: Path) -> None:
    """Write a segment so that `path` is there completely or not at all, and survives a loss of power."""
    head: dict[str, tuple[str, list[int], int]] = {}
    offset = 0
    for name, array in segment.arrays.items():
        head[name] = (array.dtype.str, list(array.shape), offset)
        offset += -(-_bytes(array) // _ALIGNED) * _ALIGNED
    text = json.dumps(head).encode()
    text += b" " * (-(len(_MAGIC) + 8 + len(text)) % _ALIGNED)
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        file.write(_MAGIC + len(text).to_bytes(8, "little") + text)
        for array in segment.arrays.values():
            for piece in array.pieces() if isinstance(array, Gathered) else (array,):
                file.write(np.ascontiguousarray(piece).data if piece.size else b"")
            file.write(b"\0" * (-_bytes(array) % _ALIGNED))
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def _bytes(array: Array | Gathered) -> int:
    return int(np.prod(array.shape)) * array.dtype.itemsize


def read(path: Path) -> Segment:
    """Map a segment; `ValueError` for a file that is none, is not complete, or is of an earlier version."""
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    if mapped[: len(_MAGIC)] in _EARLIER:
        raise ValueError(f"{path.name} was written by an earlier version")
    if mapped[: len(_MAGIC)] != _MAGIC:
        raise ValueError(f"{path} is no keyword segment")
    length = int.from_bytes(mapped[len(_MAGIC) : len(_MAGIC) + 8], "little")
    base = len(_MAGIC) + 8 + length
    head: dict[str, tuple[str, list[int], int]] = json.loads(mapped[len(_MAGIC) + 8 : base])
    arrays = {}
    for name, (kind, shape, offset) in head.items():
        count = int(np.prod(shape))
        arrays[name] = np.frombuffer(mapped, np.dtype(kind), count, base + offset).reshape(shape)
    return Segment(arrays)
