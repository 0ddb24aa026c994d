"""Recency, authority, authors and a second reading change ranks where they are asked for, and never else."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import pytest

from index.documents import Passage
from index.errors import ModelError
from index.reading import SqlDocuments
from index.search.passages import PassageIndex
from index.search.signals import CrossEncoderReader, Signals
from index.vectors.memory import MemoryGateway
from ingest.indexing import index_vectors
from tests.index.shelf import WordEmbedder, document, put, reader, store_at

TODAY = dt.date(2026, 5, 1)


def passage(name: str, score: float, **changes: object) -> Passage:
    given: dict[str, object] = {"source": "library", "title": name, "text": name, "start": 0, "end": 1}
    return Passage(chunk_id=f"{name}#0", doc_id=name, score=score, relevance=score, **(given | changes))  # type: ignore[arg-type]


def order(signals: Signals, *passages: Passage) -> list[str]:
    return [one.doc_id for one in signals.order("question", passages)]


def test_without_settings_nothing_changes() -> None:
    held = (passage("b", 0.4), passage("a", 0.9))
    assert not Signals().reorders
    assert Signals().order("question", held) == list(held)


def test_the_newer_of_two_alike_comes_first_and_a_much_better_one_stays_ahead() -> None:
    signals = Signals(half_life_days=180, today=lambda: TODAY)
    old, new = passage("old", 0.62, date="2024-05-01"), passage("new", 0.6, date="2026-04-30")
    best, undated = passage("best", 0.97, date="2024-05-01"), passage("undated", 0.61)
    assert order(signals, best, old, undated, new) == ["best", "new", "undated", "old"]
    assert order(signals, passage("a", 0.5, date="2027-01-01"), passage("b", 0.5, date="2026-05-01")) == ["a", "b"]


def test_a_source_with_authority_comes_first() -> None:
    held = (passage("chat", 0.6, source="chat"), passage("policy", 0.5, source="policies"))
    assert order(Signals(authority={"policies": 1.0}), *held) == ["policy", "chat"]
    assert all(0 < one.score < 1 for one in Signals(authority={"chat": -50.0}).order("q", held))


class Longest:
    """Takes the longest text for the best."""

    def judge(self, query: str, texts: Sequence[str]) -> Sequence[float]:
        return [min(1.0, len(text) / 100) for text in texts]


def test_a_second_reading_decides_about_the_best_and_what_it_did_not_read_stays_behind() -> None:
    held = [passage(f"p{n:02}", 0.9 - n / 100, text="x" * n) for n in range(60)]
    ranked = order(Signals(rereader=Longest()), *held)
    assert ranked[:2] == ["p39", "p38"]
    assert set(ranked[40:]) == {f"p{n}" for n in range(40, 60)}


def test_a_folder_that_holds_no_cross_encoder_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no cross-encoder"):
        CrossEncoderReader(tmp_path)


def test_an_author_does_not_take_every_place(tmp_path: Path) -> None:
    store, gateway, embedder = store_at(tmp_path), MemoryGateway(), WordEmbedder()
    for n in range(6):
        put(store, document(f"library:{n}.md", f"Tents {n}.", meta={"author": "ann" if n < 4 else "bob"}))
    index_vectors(store, gateway, embedder, "g0001")
    from index.engine import open_engine

    engine = open_engine(f"sqlite:///{tmp_path / 'tower.sqlite'}")
    index = PassageIndex(gateway, embedder, SqlDocuments(engine), Signals(per_author=1))
    assert sorted(one.author for one in index.search("tents", reader("public"))) == ["ann", "bob"]
    engine.dispose()


@pytest.mark.slow
def test_a_cross_encoder_made_here_reads_pairs(tmp_path: Path) -> None:
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "tents", "zips", "warranty"]
    (tmp_path / "vocab.txt").write_text("\n".join(words))
    BertTokenizerFast(str(tmp_path / "vocab.txt")).save_pretrained(tmp_path)
    tiny = BertConfig(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        num_labels=1,
    )  # fmt: skip
    BertForSequenceClassification(tiny).save_pretrained(tmp_path)
    judged = CrossEncoderReader(tmp_path).judge("tents", ["tents zips", "warranty"])
    assert len(judged) == 2 and all(0 < value < 1 for value in judged)
