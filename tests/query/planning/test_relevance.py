"""Which passages are about what a question asks for."""

from __future__ import annotations

from index.documents import Passage
from query.planning.relevance import NEAR, SURE, relevant


def _passage(number: int, text: str, relevance: float) -> Passage:
    name = f"tickets {number}"
    return Passage(f"c{number}", f"t:{number}", "t", name, text, 0, len(text), relevance, relevance)


def test_near_needs_the_words_and_very_near_does_not() -> None:
    said = [_passage(1, "The zip broke.", SURE), _passage(2, "Send the invoice.", NEAR), _passage(3, "No zip.", NEAR)]
    assert [p.chunk_id for p in relevant("zips", said)] == ["c1", "c3"]


def test_of_those_who_said_the_same_none_is_left_out() -> None:
    """Titles move a cosine a little: by that one of four customers with the same complaint was named."""
    text = "The zipper came apart."
    same = [_passage(n, text, SURE if n == 1 else SURE - 0.001) for n in range(1, 5)]
    other = _passage(9, "Nothing of the kind.", SURE - 0.001)
    assert [p.chunk_id for p in relevant("broken clasps", [*same, other])] == ["c1", "c2", "c3", "c4"]
