"""The keyword index: what it finds is what the plain reference finds, through any order of writes, merges and kills."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.errors import StorageError
from index.scope import Principal, Scope
from index.vectors import word_scores, words
from index.vectors.gateway import Narrow, Point, SparseVector
from index.vectors.memory import MemoryGateway
from index.vectors.words import WordIndex

EVERYTHING = Narrow()
NAMES = [f"d{n}#0" for n in range(12)]


def identity(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, name))


def point(name: str, **changes: Any) -> Point:
    given: dict[str, Any] = {
        "chunk_id": name, "doc_id": name.partition("#")[0], "source": "library", "tags": ("public",), "entities": (),
        "date": "2026-03-01", "hash": "h", "dense": [1.0, 0.0], "sparse": SparseVector((7,), (1.0,)),
    }  # fmt: skip
    return Point(**(given | changes))


def scope(*tags: str, **rest: Any) -> Scope:
    return Scope(Principal("tester"), {}, frozenset(tags), **rest)


def found(
    index: WordIndex,
    who: Scope,
    narrow: Narrow = EVERYTHING,
    limit: int = 50,
    sparse: SparseVector = SparseVector((7, 8), (1.0, 0.5)),  # noqa: B008 - it is frozen
) -> dict[str, float]:
    view = index.view(who, narrow, sparse)
    places = view.best(limit)
    names = [payload["chunk_id"] for payload in view.payloads(places)]
    assert view.places([uuid.UUID(identity(name)) for name in names]).tolist() == places.tolist()
    return dict(zip(names, view.scores(places).tolist(), strict=True))


subsets = st.lists(st.sampled_from(["account:1", "account:2", "product:9"]), unique=True, max_size=2).map(tuple)
points = st.builds(
    point,
    st.sampled_from(NAMES),
    tags=st.lists(st.sampled_from(["public", "secret", "guide"]), unique=True, max_size=2).map(tuple),
    entities=subsets,
    source=st.sampled_from(["library", "crm"]),
    date=st.sampled_from(["", "2026-03-01", "2026-05-01T10:00:00", "May"]),
    sparse=st.sampled_from([SparseVector((), ()), SparseVector((7,), (1.5,)), SparseVector((7, 8), (0.5, 2.0))]),
)
steps = st.lists(st.tuples(st.lists(points, max_size=4), st.lists(st.sampled_from(NAMES), max_size=2)), max_size=8)
scopes = st.builds(
    lambda tags, follows, about, free: scope(*tags, follows=follows, about=about, unconditional=free),
    st.lists(st.sampled_from(["public", "secret", "guide"]), min_size=1, unique=True),
    st.sampled_from([frozenset[str](), frozenset({"account"})]),
    subsets.map(frozenset),
    st.sampled_from([frozenset[str](), frozenset({"guide"})]),
)
narrows = st.sampled_from(
    [
        EVERYTHING,
        Narrow(sources=("crm",)),
        Narrow(entities=("account:1", "account:3")),
        Narrow(doc_ids=("d1", "d2", "d3")),
        Narrow(since="2026-04-01"),
        Narrow(until="2026-04-01"),
        Narrow(general=True),
    ]
)


@settings(max_examples=80, deadline=None)
@given(steps, scopes, narrows)
def test_it_finds_and_scores_as_the_reference_does(
    tmp_path_factory: pytest.TempPathFactory, writes: Any, who: Scope, narrow: Narrow
) -> None:
    folder = tmp_path_factory.mktemp("words")
    index, reference = WordIndex(folder), MemoryGateway(2)
    for put, gone in writes:
        index.write([], [identity(name) for name in gone])
        index.write([(identity(one.chunk_id), one) for one in put])
        reference.delete(gone)
        reference.upsert(put)
    sparse = SparseVector((7, 8), (1.0, 0.5))
    expected = {h.chunk_id: h.sparse for h in reference.search(who, None, sparse, narrow=narrow, limit=50)}
    assert found(index, who, narrow) == pytest.approx(expected)
    assert index.points == reference.count() == WordIndex(folder).points
    assert found(WordIndex(folder), who, narrow) == pytest.approx(expected)
    index._merge(len(index._state.segments)) if index._state.segments else None
    assert found(index, who, narrow) == pytest.approx(expected)


def test_the_best_come_first_and_no_more_than_asked_for(tmp_path: Path) -> None:
    index = WordIndex(tmp_path)
    index.write([(identity(n), point(n, sparse=SparseVector((7,), (1.0 + i,)))) for i, n in enumerate(NAMES)])
    assert list(found(index, scope("public"), limit=3)) == NAMES[:-4:-1]


def test_scores_of_points_that_another_leg_found_are_given_too(tmp_path: Path) -> None:
    index = WordIndex(tmp_path)
    index.write([(identity(n), point(n, sparse=SparseVector((7,), (1.0 + i,)))) for i, n in enumerate(NAMES[:5])])
    index.write([(identity("d9#0"), point("d9#0", tags=("secret",)))])
    index.write([(identity("d8#0"), point("d8#0", sparse=SparseVector((3,), (1.0,))))])
    view = index.view(scope("public"), EVERYTHING, SparseVector((7,), (1.0,)))
    asked = [uuid.UUID(identity(name)) for name in ("d0#0", "d8#0", "d9#0", "d11#0", "d4#0")]
    places = view.places(asked)
    assert [place >= 0 for place in places.tolist()] == [True, True, True, False, True]
    scores = view.scores(places[places >= 0]).tolist()
    assert scores[0] and not scores[1] and scores[3] == pytest.approx(5 * scores[0])
    assert len(view.best(9)) == 5 and places[2] not in view.best(9)  # of another scope


def test_vectors_and_payloads_are_those_of_the_points_through_writes_and_merges(tmp_path: Path) -> None:
    index = WordIndex(tmp_path)
    held = {n: point(n, dense=[float(i), 1.0], entities=(f"account:{i}", "é")) for i, n in enumerate(NAMES)}
    for name, one in held.items():
        index.write([(identity(name), one)])
    held["d3#0"] = point("d3#0", dense=[-2.0, 0.0], hash="h2")
    index.write([(identity("d3#0"), held["d3#0"])], [identity("d5#0")])
    for moment in (index, WordIndex(tmp_path)):
        for whole in (False, True):
            moment.compact(whole=whole)
            view = moment.view(scope("public"), EVERYTHING)
            places = view.places([uuid.UUID(identity(name)) for name in NAMES])
            assert [NAMES[n] for n in np.flatnonzero(places < 0)] == ["d5#0"]
            here = [name for name in NAMES if name != "d5#0"]
            places = places[places >= 0]
            assert view.payloads(places) == [held[name].payload() for name in here]
            expected = np.array([np.array(held[name].dense) / np.linalg.norm(held[name].dense) for name in here])
            assert view.vectors(places) == pytest.approx(expected, abs=1e-3)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_view_stays_what_it_was_while_others_write(tmp_path: Path) -> None:
    index = WordIndex(tmp_path)
    index.write([(identity(name), point(name)) for name in NAMES[:3]])
    view = index.view(scope("public"), EVERYTHING, SparseVector((7,), (1.0,)))
    places = view.best(5)
    index.write([(identity(NAMES[4]), point(NAMES[4]))], [identity(NAMES[0])])
    index.compact(whole=True)
    assert [payload["chunk_id"] for payload in view.payloads(places)] == NAMES[:3]


def test_many_small_writes_become_few_segments(tmp_path: Path) -> None:
    index = WordIndex(tmp_path)
    for _ in range(40):
        index.write([(identity(name), point(name)) for name in NAMES])
    assert index.points == len(NAMES)
    assert len(list(tmp_path.iterdir())) < words._MERGED
    index.compact()
    assert len(found(index, scope("public"))) == len(NAMES)


def test_what_a_kill_leaves_of_a_merge_counts_once(tmp_path: Path) -> None:
    index = WordIndex(tmp_path)
    for name in NAMES[:3]:
        index.write([(identity(name), point(name))])
    parts = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    index._merge(3)
    for name, content in parts.items():
        (tmp_path / name).write_bytes(content)  # killed before the parts went
    (tmp_path / "00000009-00000009.partial").write_bytes(b"half")
    again = WordIndex(tmp_path)
    assert again.points == 3 and set(found(again, scope("public"))) == set(NAMES[:3])
    assert [path.name for path in tmp_path.iterdir()] == ["00000001-00000003.words"]


def test_counts_of_a_scope_are_kept_until_something_is_written(tmp_path: Path) -> None:
    index = WordIndex(tmp_path)
    index.write([(identity(NAMES[0]), point(NAMES[0]))])
    before = found(index, scope("public"))[NAMES[0]]
    assert index.sight(scope("public")) is index.sight(scope("public"))
    index.write([(identity(NAMES[1]), point(NAMES[1]))])
    assert found(index, scope("public"))[NAMES[0]] != before


@pytest.mark.parametrize("content", [b"", b"something else", b"TOWERKW2" + (99).to_bytes(8, "little")])
def test_a_damaged_file_is_a_clear_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "00000001-00000001.words").write_bytes(content)
    with pytest.raises(StorageError, match="cannot be read") as error:
        WordIndex(tmp_path)
    assert "reindex" in error.value.hint


def test_long_lists_of_common_words_change_neither_the_best_nor_their_scores(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(word_scores, "_WORTH", 0)
    monkeypatch.setattr(word_scores, "_LOOKUP", 0)
    random_numbers = np.random.default_rng(7)
    index, reference = WordIndex(tmp_path), MemoryGateway(2)
    held = []
    for number in range(600):
        terms = [term for term, share in ((1, 0.02), (2, 0.1), (3, 0.5), (4, 0.9)) if random_numbers.random() < share]
        weights = tuple(float(weight) for weight in random_numbers.integers(1, 5, len(terms)) / 2)
        tags = ("public",) if number % 3 else ("secret",)
        held.append(point(f"p{number}#0", tags=tags, sparse=SparseVector(tuple(terms), weights)))
    index.write([(identity(one.chunk_id), one) for one in held])
    reference.upsert(held)
    for asked in ((1, 4), (2, 3, 4), (1, 2, 3, 4), (4,), (3, 9)):
        sparse = SparseVector(asked, tuple(1.0 / len(asked) for _ in asked))
        for who in (scope("public"), scope("public", "secret")):
            whole = reference.search(who, None, sparse, narrow=EVERYTHING, limit=600)
            scores = sorted((hit.sparse or 0.0 for hit in whole), reverse=True)
            hits = found(index, who, EVERYTHING, 10, sparse)
            assert list(hits.values()) == pytest.approx(scores[:10])
            expected = {hit.chunk_id: hit.sparse for hit in whole}
            assert hits == pytest.approx({name: expected[name] for name in hits})


def test_an_index_of_an_earlier_version_says_so(tmp_path: Path) -> None:
    (tmp_path / "00000001-00000001.words").write_bytes(b"TOWERKW1" + b" " * 56)
    with pytest.raises(StorageError, match="written by an earlier version") as error:
        WordIndex(tmp_path)
    assert "reindex" in error.value.hint
