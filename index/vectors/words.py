"""The keyword leg of the embedded engine: an inverted index in the shard's folder, scored within a Scope. Beside the
words of a point it holds its vector and payload, which are read from here: out of the engine each number of a vector is
a Python object.

Terms are counted over what the scope shows, so that scores tell nothing of the rest; the counts are kept for each
different sight until something is written. A write adds a segment, and small segments are merged, so what is on disk
is right at every moment. What this index says is a proposal: the engine's own filter and the SQL index see each point
again.
"""

from __future__ import annotations

import math
import threading
import uuid
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from index.errors import StorageError
from index.scope import Scope
from index.vectors.gateway import Narrow, Point, SparseVector
from index.vectors.word_scores import Floats, TermList, best, scores_of, term_lists
from index.vectors.word_segment import Mask, Segment, build, day_number, label, merge, read, write

_SUFFIX = ".words"
_MERGED = 8  # segments of a size that become one
_TIERS = (4_096, 32_768, 262_144, 1 << 62)  # points up to which segments count as of one size
_FEW = 4  # segments that searching and opening do not mind
_SIGHTS = 16  # different scopes whose counts are kept
_LAST_DAY = 99_999_999
Places = npt.NDArray[np.int64]


class Sight:
    """What one scope sees of the index: a mask for each segment, how many points that is, and terms counted so far."""

    def __init__(self, masks: Sequence[Mask]) -> None:
        self.masks = masks
        self.whole = [bool(mask.all()) for mask in masks]
        self.points = sum(int(np.count_nonzero(mask)) for mask in masks)
        self.frequencies: dict[int, int] = {}


class _State:
    """The segments at one moment, oldest first, and which of their points are not replaced or removed since."""

    def __init__(self, paths: Sequence[Path], segments: Sequence[Segment], alive: Sequence[Mask]) -> None:
        self.paths, self.segments, self.alive = paths, segments, alive
        self.points = sum(int(mask.sum()) for mask in alive)
        self.starts = np.cumsum([0, *(len(segment) for segment in segments)])
        self.sights: OrderedDict[str, Sight] = OrderedDict()


class View:
    """What may be found at one moment for one question. A point goes by its place, a number that is good in this view
    only; an array of places gives an array."""

    def __init__(self, state: _State, shown: Sequence[Mask], weighted: Sequence[tuple[int, float]]) -> None:
        self._state, self._shown = state, shown
        self._lists: list[list[TermList]] = [term_lists(segment, weighted) for segment in state.segments]

    def places(self, ids: Sequence[uuid.UUID]) -> Places:
        """The places of points by their engine's ids, whether they are shown or not; -1 for one that is not there."""
        keys = np.array([one.int >> 64 for one in ids], dtype=np.uint64)
        found = np.full(len(keys), -1, dtype=np.int64)
        for number, (segment, alive) in enumerate(zip(self._state.segments, self._state.alive, strict=True)):
            rows = segment.rows_of(keys)
            here = rows >= 0
            here[here] = alive[rows[here]]
            found[here] = rows[here] + self._state.starts[number]
        return found

    def best(self, limit: int) -> Places:
        """The `limit` points with the best scores, the best first; equal ones with the newest first."""
        found, scores = [np.zeros(0, np.int64)], [np.zeros(0, np.float32)]
        for number, lists in reversed(list(enumerate(self._lists))):
            if lists:
                rows, values = best(lists, self._shown[number], limit)
                found.append(rows.astype(np.int64) + self._state.starts[number])
                scores.append(values)
        places, values = np.concatenate(found), np.concatenate(scores)
        return places[np.argsort(-values, kind="stable")[:limit]]

    def scores(self, places: Places) -> Floats:
        """Keyword scores; 0 for a point that shares no term with the question."""
        found = np.zeros(len(places), dtype=np.float32)
        for number, here in self._by_segment(places):
            found[here] = scores_of(self._lists[number], places[here] - self._state.starts[number])
        return found

    def payloads(self, places: Places) -> list[dict[str, Any]]:
        """What is known of each point, as `Point.payload` gives it."""
        found: list[dict[str, Any]] = [{}] * len(places)
        for number, here in self._by_segment(places):
            read = self._state.segments[number].payloads(places[here] - self._state.starts[number])
            for place, payload in zip(np.flatnonzero(here).tolist(), read, strict=True):
                found[place] = payload
        return found

    def vectors(self, places: Places) -> Floats:
        """Vectors at unit length, of shape (len(places), dimension)."""
        parts = list(self._by_segment(places))
        if not parts:
            return np.zeros((0, 0), dtype=np.float32)
        read = [self._state.segments[n].vectors(places[here] - self._state.starts[n]) for n, here in parts]
        found = np.empty((len(places), read[0].shape[1]), dtype=np.float32)
        for (_, here), vectors in zip(parts, read, strict=True):
            found[here] = vectors
        return found

    def _by_segment(self, places: Places) -> Iterator[tuple[int, Mask]]:
        """The segments that hold some of the places, and which."""
        if len(self._state.segments) == 1 and len(places):
            yield 0, np.ones(len(places), dtype=np.bool_)
            return
        held = np.searchsorted(self._state.starts, places, side="right") - 1
        for number in np.unique(held).tolist():
            yield number, held == number


class WordIndex:
    """Keyword search over the points in `folder`. Writes are by one thread at a time and durable when they return;
    searches may run beside them. Raises `StorageError` for a file that is damaged."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sighting = threading.Lock()
        self._state = self._load()

    @property
    def points(self) -> int:
        """Points held."""
        return self._state.points

    def write(self, points: Iterable[tuple[str, Point]], removed: Iterable[str] = ()) -> None:
        """Insert or replace points by their engine's id, and remove others."""
        ready = list({uuid.UUID(identity).bytes: point for identity, point in points}.items())
        gone = {uuid.UUID(identity).int >> 64 for identity in removed}
        if not ready and not gone:
            return
        state = self._state
        segment = build(ready, gone)
        number = _range(state.paths[-1])[1] + 1 if state.paths else 1
        path = self._folder / _name(number, number)
        segment = self._stored(segment, path)
        taken = np.concatenate([segment.keys(), segment.removed])
        alive = [mask & ~np.isin(one.keys(), taken) for one, mask in zip(state.segments, state.alive, strict=True)]
        self._state = _State(
            (*state.paths, path), (*state.segments, segment), (*alive, np.ones(len(segment), dtype=np.bool_))
        )
        for largest in _TIERS:
            small = _trailing(self._state.segments, largest)
            if small >= _MERGED:
                self._merge(small)

    def compact(self, *, whole: bool = False) -> None:
        """Make all segments one, which is the quickest to open and to search; a few small ones cost nothing. With
        `whole` even those, so that nothing of removed points is left."""
        if len(self._state.segments) > (1 if whole else _FEW):
            self._merge(len(self._state.segments))

    def sight(self, scope: Scope) -> Sight:
        """What `scope` sees now."""
        return self._sight(self._state, scope)

    def shows_all(self, scope: Scope) -> bool:
        """True when `scope` sees every point there is."""
        return self.sight(scope).points == self._state.points

    def view(self, scope: Scope, narrow: Narrow, sparse: SparseVector | None = None) -> View:
        """What `scope` and `narrow` show now, scored for the terms of a question."""
        state = self._state
        sight = self._sight(state, scope)
        weighted = [] if sparse is None else self._weighted(state, sight, sparse)
        pairs = zip(state.segments, sight.masks, strict=True)
        return View(state, [_narrowed(segment, mask, narrow) for segment, mask in pairs], weighted)

    def _weighted(self, state: _State, sight: Sight, sparse: SparseVector) -> list[tuple[int, float]]:
        """The question's terms, each with its weight times its rarity among what is seen."""
        weighted = []
        for term, weight in zip(sparse.indices, sparse.values, strict=True):
            frequency = sight.frequencies.get(term)
            if frequency is None:
                parts = zip((one.postings(term)[0] for one in state.segments), sight.masks, sight.whole, strict=True)
                frequency = sum(len(r) if whole else int(np.count_nonzero(m[r])) for r, m, whole in parts)
                sight.frequencies[term] = frequency
            if frequency:
                weighted.append((term, weight * rarity(sight.points, frequency)))
        return weighted

    def _sight(self, state: _State, scope: Scope) -> Sight:
        key = scope.sight()
        with self._sighting:
            sight = state.sights.get(key)
            if sight is None:
                pairs = zip(state.segments, state.alive, strict=True)
                sight = state.sights[key] = Sight([mask & _shown(segment, scope) for segment, mask in pairs])
                while len(state.sights) > _SIGHTS:
                    state.sights.popitem(last=False)
            state.sights.move_to_end(key)
            return sight

    def _merge(self, count: int) -> None:
        """Make the newest `count` segments one. A kill leaves the parts, or the whole and parts that it replaces."""
        state = self._state
        first = len(state.segments) - count
        parts, kept = state.segments[first:], state.alive[first:]
        removed = [part.removed for part in parts] if first else []
        merged = merge(parts, kept, np.unique(np.concatenate([np.zeros(0, np.uint64), *removed])))
        path = self._folder / _name(_range(state.paths[first])[0], _range(state.paths[-1])[1])
        merged = self._stored(merged, path)
        self._state = _State(
            (*state.paths[:first], path),
            (*state.segments[:first], merged),
            (*state.alive[:first], np.ones(len(merged), dtype=np.bool_)),
        )
        for old in state.paths[first:]:
            old.unlink(missing_ok=True)

    def _stored(self, segment: Segment, path: Path) -> Segment:
        """The segment as mapped from its file."""
        try:
            self._folder.mkdir(exist_ok=True)
            write(segment, path)
        except OSError as error:
            raise StorageError(
                f"the keyword index {path} cannot be written: {error}", hint="is the disk full?"
            ) from error
        return read(path)

    def _load(self) -> _State:
        paths = _current(self._folder)
        try:
            segments = [read(path) for path in paths]
        except (OSError, ValueError, KeyError) as error:
            raise StorageError(
                f"the keyword index in {self._folder} cannot be read: {error}", hint="run `tower reindex`"
            ) from error
        return _State(paths, segments, _alive(segments))


def rarity(points: int, frequency: int) -> float:
    """The inverse document frequency of BM25, as both vector engines compute it."""
    return math.log(1 + (points - frequency + 0.5) / (frequency + 0.5))


def _shown(segment: Segment, scope: Scope) -> Mask:
    """What policy shows of a segment: the same rule as `Scope.shows`."""
    held = segment.carrying("tags", [label(tag) for tag in scope.tags])
    if not scope.follows:
        return held
    other = segment.carrying("entities", [label(one) for one in scope.about], other=True)
    free = segment.carrying("tags", [label(tag) for tag in scope.unconditional & scope.tags])
    shown: Mask = held & (~other | free)
    return shown


def _narrowed(segment: Segment, mask: Mask, narrow: Narrow) -> Mask:
    """What the question asks for of what is shown: the same rule as `index.vectors.gateway.matches`."""
    for field, wanted in (
        ("source", narrow.sources or None),
        ("entities", narrow.entities),
        ("doc_id", narrow.doc_ids),
    ):
        if wanted is not None:
            mask = mask & segment.carrying(field, [label(text) for text in wanted])
    if narrow.general:
        mask = mask & ~segment.carrying("entities", (), other=True)
    if narrow.since or narrow.until:
        mask = mask & segment.dated(day_number(narrow.since), day_number(narrow.until) or _LAST_DAY)
    return mask


def _alive(segments: Sequence[Segment]) -> list[Mask]:
    """Which points of each segment no newer one replaces or removes."""
    alive: list[Mask] = []
    taken: npt.NDArray[np.uint64] = np.zeros(0, np.uint64)
    for segment in reversed(segments):
        keys = segment.keys()
        alive.append(~np.isin(keys, taken) if len(taken) else np.ones(len(keys), dtype=np.bool_))
        taken = np.concatenate([taken, keys, segment.removed])
    return alive[::-1]


def _trailing(segments: Sequence[Segment], largest: int) -> int:
    """How many of the newest segments hold at most `largest` points."""
    count = 0
    for segment in reversed(segments):
        if len(segment) > largest:
            break
        count += 1
    return count


def _current(folder: Path) -> list[Path]:
    """The segment files in order, without what a kill left of a merge: parts that a whole holds, and half files."""
    found: list[Path] = []
    for path in sorted(folder.glob(f"*{_SUFFIX}"), key=lambda path: (_range(path)[0], -_range(path)[1])):
        if found and _range(path)[1] <= _range(found[-1])[1]:
            path.unlink(missing_ok=True)
        else:
            found.append(path)
    for half in folder.glob("*.partial"):
        half.unlink(missing_ok=True)
    return found


def _name(first: int, last: int) -> str:
    return f"{first:08d}-{last:08d}{_SUFFIX}"


def _range(path: Path) -> tuple[int, int]:
    first, _, last = path.stem.partition("-")
    return int(first), int(last)
