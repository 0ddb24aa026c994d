from __future__ import annotations

from query.compose.markdown import number, render
from query.evidence import CitationBook, Sentence, Slot


def slot(book: CitationBook, value: int) -> Slot:
    return Slot(str(value), value, book.cite("aggregate", "crm", sql=f"SELECT {value}", column="n", value=value))


def test_marks_stand_before_the_full_stop_and_count_from_one() -> None:
    book = CitationBook()
    unused, used = slot(book, 1), slot(book, 2)
    sentences = [Sentence(("There are ", used, " orders."))]
    numbers = number(sentences)
    assert unused.citation.n not in numbers
    assert render(sentences, numbers) == "There are 2 orders [1]."


def test_a_table_keeps_together_with_its_marks_in_the_last_column() -> None:
    book = CitationBook()
    sentences = [Sentence(("| n | |",), "header"), Sentence(("| ", slot(book, 7), " | "), "row")]
    assert render(sentences, number(sentences)) == "| n | |\n| --- | --- |\n| 7 | [1] |"


def test_bullets_of_one_list_are_not_torn_apart() -> None:
    sentences = [Sentence(("a",), "bullet"), Sentence(("b",), "subbullet"), Sentence(("c",))]
    assert render(sentences, {}) == "- a\n  - b\n\nc"
