"""Which words name which part of a catalogue."""

from __future__ import annotations

from dataclasses import replace

from index.catalogue.model import Term
from query.text2sql.lexicon import Lexicon
from tests.query.text2sql.shop import CATALOGUE, everything


def test_a_slip_of_the_keyboard_never_turns_a_word_into_its_opposite() -> None:
    unhappy = Term("unhappy ticket", "tickets", "status = 'Open'", ("unsolved ticket",))
    lexicon = Lexicon(replace(CATALOGUE, terms=(*CATALOGUE.terms, unhappy)), everything())
    assert lexicon.correct("unhapy") == "unhappy"
    assert lexicon.correct("happy") is None
    assert lexicon.correct("solved") != "unsolved"
