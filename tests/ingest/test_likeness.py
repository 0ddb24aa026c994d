"""Documents that say nearly the same, and those that do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from index.reading import SqlDocuments
from ingest.likeness import alike, mark_alike, resemblance, signature
from ingest.sync.sources import sync
from tests.index.shelf import reader
from tests.ingest.company import open_store, sources

TERMS = " ".join(f"Clause {n} says what the customer and we owe each other in case number {n * 7}." for n in range(40))
OTHER = " ".join(f"The tent number {n} keeps {n} people dry for {n * 3} nights of rain and wind." for n in range(40))
NOTES = "notes: {kind: files, path: notes, documents: [{files: '**/*', tags: [all]}]}"


def test_a_small_change_leaves_texts_alike_and_another_text_is_not() -> None:
    changed = TERMS.replace("Clause 7 says", "Section 7 says")
    assert resemblance(signature(TERMS), signature(changed)) > 0.85
    assert resemblance(signature(TERMS), signature(OTHER)) < 0.1
    assert signature("Too short to tell.") == ""


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_the_estimate_is_near_the_truth(share: float) -> None:
    words = [f"word{n}" for n in range(4_000)]
    cut = int(len(words) * share)
    other = words[:cut] + [f"other{n}" for n in range(len(words) - cut)]
    truth = share / (2 - share)
    assert abs(resemblance(signature(" ".join(words)), signature(" ".join(other))) - truth) < 0.15


def test_groups_hold_what_is_alike_and_their_name_tells_nothing() -> None:
    texts = {"s:a": TERMS, "s:b": TERMS + " One more.", "s:c": OTHER, "s:d": "Short.", "s:e": "Short."}
    groups = alike({doc_id: signature(text) for doc_id, text in texts.items()})
    assert set(groups) == {"s:a", "s:b"} and groups["s:a"] == groups["s:b"]
    assert "s:" not in groups["s:a"]


def test_a_sync_marks_them_and_forgets_what_is_gone(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    for name, text in {"a.md": TERMS, "b.md": TERMS + " One more.", "c.md": OTHER}.items():
        (tmp_path / "notes" / name).write_text(text)
    store = open_store(tmp_path)
    sync(sources(tmp_path, NOTES), store, None)
    assert set(store.groups()) == {"notes:a.md", "notes:b.md"}
    found = SqlDocuments(store._engine).chunks(["notes:a.md#0", "notes:b.md#0", "notes:c.md#0"], reader("all"))
    marks = [found[f"notes:{name}.md#0"].alike for name in "abc"]
    assert marks[0] and marks[0] == marks[1] and not marks[2]
    assert mark_alike(store) == 0
    (tmp_path / "notes" / "b.md").unlink()
    sync(sources(tmp_path, NOTES), store, None)
    assert store.groups() == {} and set(store.signatures()) == {"notes:a.md", "notes:c.md"}
