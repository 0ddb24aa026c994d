"""Languages told apart; nothing said where there is too little to tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.readers.language import language_of

SENTENCES = [line.split("\t") for line in Path(__file__).with_name("languages.tsv").read_text("utf-8").splitlines()]


def test_single_sentences_are_told_apart() -> None:
    wrong = [(code, language_of(text), text) for code, text in SENTENCES if language_of(text) != code]
    assert len(wrong) <= len(SENTENCES) * 0.1, wrong
    assert [one for one in wrong if one[1]] == [], "a wrong language is worse than none"


@pytest.mark.parametrize(
    "text", ["", "x y z 12", "INV-4711 450.00 EUR", "| 1 | 2 |\n| 3 | 4 |", "SKU SKU SKU SKU SKU SKU"]
)
def test_what_is_no_language_is_called_none(text: str) -> None:
    assert language_of(text) == ""
