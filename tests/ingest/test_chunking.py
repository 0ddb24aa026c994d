"""Chunks: exact offsets, sentences whole, structure kept."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from index.documents import Document, Section
from ingest.chunking import CHUNK_CHARACTERS, chunk, sentence_ends

_WORDS = st.text(alphabet="ab .!?|-\n#é漢", min_size=0, max_size=400)


def _document(text: str, sections: tuple[Section, ...] = (), title: str = "Guide") -> Document:
    return Document("s:d", "s", title, text, frozenset(), sections=sections)


@given(_WORDS, st.lists(st.tuples(st.integers(0, 400), st.integers(0, 3)), max_size=6), st.integers(20, 120))
@settings(max_examples=300, deadline=None)
def test_chunks_cut_the_exact_text_in_order_and_lose_only_white_space(
    text: str, marks: list[tuple[int, int]], size: int
) -> None:
    sections = tuple(Section(start, f"H{n}", level) for n, (start, level) in enumerate(sorted(marks)))
    chunks = chunk(_document(text, sections), size)
    covered: set[int] = set()
    last = 0
    for number, piece in enumerate(chunks):
        assert piece.ordinal == number and piece.chunk_id == f"s:d#{number}"
        assert last <= piece.start < piece.end <= len(text)
        assert piece.end - piece.start <= size
        cut = text[piece.start : piece.end]
        assert cut == cut.strip() and cut
        covered.update(range(piece.start, piece.end))
        last = piece.end
    assert all(text[n].isspace() for n in range(len(text)) if n not in covered)


def test_a_sentence_is_not_split() -> None:
    text = " ".join(f"Sentence number {n} goes on for a while about Dr. Smith and 3.5 percent." for n in range(60))
    for piece in chunk(_document(text)):
        cut = text[piece.start : piece.end]
        assert cut.startswith("Sentence") and cut.endswith("percent.")


def test_abbreviations_and_decimals_do_not_end_a_sentence() -> None:
    text = "It costs 3.5 euros, e.g. for Mr. Smith. Next one! And it ends"
    ends = sentence_ends(text)
    assert [text[a:b].strip() for a, b in zip([0, *ends], ends, strict=False)] == [
        "It costs 3.5 euros, e.g. for Mr. Smith.", "Next one!", "And it ends",
    ]  # fmt: skip


def test_headings_make_the_path_and_the_context() -> None:
    parts = ["Leave", "x " * 350, "Sick leave", "y " * 350]
    text = "\n\n".join(p.strip() for p in parts)
    sections = (Section(0, "Leave", 1), Section(text.index("Sick"), "Sick leave", 2))
    first, second = chunk(_document(text, sections))
    assert (first.heading, second.heading) == ("Leave", "Leave > Sick leave")
    assert second.context == "Guide > Leave > Sick leave"


def test_small_neighbouring_sections_go_together_under_what_they_share() -> None:
    text = "Policies\n\nA\n\nShort.\n\nB\n\nAlso short."
    sections = (Section(0, "Policies", 1), Section(text.index("A\n"), "A", 2), Section(text.index("B\n"), "B", 2))
    (piece,) = chunk(_document(text, sections))
    assert text[piece.start : piece.end] == text and piece.heading == "Policies"


def test_a_heading_stays_with_what_stands_below_it() -> None:
    text = "x" * 700 + "\n\nQuestions\n\n" + "y" * 600
    sections = (Section(0, "First", 1), Section(702, "Questions", 1))
    assert [text[c.start : c.end][:9] for c in chunk(_document(text, sections))] == ["x" * 9, "Questions"]


def test_pages_are_never_mixed() -> None:
    text = "Page one.\n\nPage two."
    sections = (Section(0, page=1), Section(11, page=2))
    assert [(c.page, text[c.start : c.end]) for c in chunk(_document(text, sections))] == [
        (1, "Page one."), (2, "Page two."),
    ]  # fmt: skip


def test_a_table_that_fits_stays_whole_and_a_long_one_is_cut_between_rows() -> None:
    small = "\n".join(f"| row {n} | value |" for n in range(10))
    text = "Intro. " * 90 + "\n\n" + small
    assert small in [text[c.start : c.end] for c in chunk(_document(text.strip()))]
    long = "\n".join(f"| row {n} | {'value ' * 8}|" for n in range(60))
    for piece in chunk(_document(long)):
        assert all(line.startswith("|") and line.endswith("|") for line in long[piece.start : piece.end].split("\n"))
        assert piece.end - piece.start <= CHUNK_CHARACTERS


def test_the_parts_of_a_long_table_carry_its_header_in_their_context() -> None:
    rows = "\n".join(f"| row {n} | {'value ' * 8}|" for n in range(60))
    first, *others = chunk(_document(f"Intro.\n\n| Name | Value |\n| --- | --- |\n{rows}\n\nEnd."))
    assert first.context == "Guide" and len(others) > 3
    assert {piece.context for piece in others} == {"Guide\n| Name | Value |"}


def test_a_table_after_another_keeps_its_own_header() -> None:
    rows = "\n".join(f"| row {n} | {'value ' * 8}|" for n in range(20))
    text = f"| A | B |\n| --- | --- |\n{rows}\n\n| C | D |\n| --- | --- |\n{rows}"
    contexts = [piece.context for piece in chunk(_document(text))]
    assert contexts[0] == "Guide" and "Guide\n| A | B |" in contexts and contexts[-1] == "Guide\n| C | D |"


def test_an_empty_document_has_no_chunks() -> None:
    assert chunk(_document(" \n ")) == ()
