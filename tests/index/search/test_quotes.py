"""Quotes: sentences with exact offsets."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from index.documents import Passage
from index.search.quotes import quotes, sentence_spans
from tests.index.shelf import WordEmbedder

TEXT = (
    "# Warranty\n\nTents carry a warranty of five years, e.g. the Alpine line. Poles are replaced by Dr. Lund free of "
    "charge.\n- Boots: two years.\n- Stoves are not covered!\n\nAsk “support” first. Then write to us."
)


def passage(text: str, start: int = 0, chunk_id: str = "d#0") -> Passage:
    return Passage(chunk_id, chunk_id.partition("#")[0], "library", "Title", text, start, start + len(text), 1.0, 0.5)


def test_a_text_is_split_into_sentences_and_list_items() -> None:
    assert [TEXT[start:end] for start, end in sentence_spans(TEXT)] == [
        "Warranty",
        "Tents carry a warranty of five years, e.g. the Alpine line.",
        "Poles are replaced by Dr. Lund free of charge.",
        "Boots: two years.",
        "Stoves are not covered!",
        "Ask “support” first.",
        "Then write to us.",
    ]


@given(st.text(alphabet="aB.!? \n-*|“”12é𝒳", max_size=1200))
def test_spans_stand_in_order_and_lose_no_word(text: str) -> None:
    spans = list(sentence_spans(text))
    assert all(start < end for start, end in spans)
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))
    kept = "".join(c for start, end in spans for c in text[start:end] if c.isalnum())
    assert kept == "".join(c for c in text if c.isalnum())


def test_the_sentence_that_answers_is_quoted_from_its_place() -> None:
    document = "x" * 50 + TEXT
    best, *_ = quotes("who replaces broken poles", [passage(TEXT, 50)], WordEmbedder(), 3)
    assert best.text == "Poles are replaced by Dr. Lund free of charge."
    assert document[best.start : best.end] == best.text and best.passage.chunk_id == "d#0"


def test_overlapping_passages_give_a_sentence_once() -> None:
    found = quotes("poles", [passage(TEXT), passage(TEXT[30:], 30, "d#1")], WordEmbedder(), 20)
    places = [(quote.doc_id, quote.end) for quote in found]
    assert len(places) == len(set(places))


def test_one_call_embeds_a_bounded_number_of_sentences() -> None:
    embedder = WordEmbedder()
    many = passage(" ".join(f"Sentence number {n} says little." for n in range(200)))
    assert len(quotes("what does sentence 150 say", [many], embedder, 5)) == 5
    assert len(embedder.embedded) == 16


def test_nothing_to_quote_gives_nothing() -> None:
    embedder = WordEmbedder()
    assert quotes("poles", [], embedder, 5) == ()
    assert quotes("poles", [passage("-- * --")], embedder, 5) == ()
    assert quotes("", [passage(TEXT)], embedder, 5) == ()
    assert quotes("poles", [passage(TEXT)], embedder, 0) == ()
