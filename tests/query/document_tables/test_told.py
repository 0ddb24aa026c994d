from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from index.catalogue.model import Catalogue
from index.documents import Passage
from query.document_tables.arithmetic import numbers_in, worked_out
from query.document_tables.told import table_answer
from query.evidence import CitationBook, Sentence, Slot
from query.proof.prove import Prover, unproven_figures
from tests.query.document_tables.test_ask import TEXT

PASSAGE = Passage("d#0", "files:d.md", "files", "Report", TEXT, 0, len(TEXT), 1.0, 0.9)
PROVER = Prover(Catalogue(()), passages=[PASSAGE], document_text=lambda _: TEXT)


def told(question: str) -> Sentence:
    (sentence,) = table_answer(question, [PASSAGE], lambda _: TEXT, CitationBook())
    return sentence


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("What were the net sales in 2018?", "Net sales: 1,000 (in thousands)."),
        ("What was the change in net sales between 2018 and 2019?",
         "Net sales: changed by 200, from 1,200 and 1,000 (in thousands)."),
        ("What was the percentage change in cost of sales from 2017 to 2018?",
         "Cost of sales: changed by 1.56%, from 650 and 640."),
        ("In which year was interest income the lowest?", "Interest income: 2019 ((12))."),
    ],
)  # fmt: skip
def test_an_answer_shows_its_figures_and_is_proven(question: str, text: str) -> None:
    sentence = told(question)
    assert sentence.text() == text
    assert PROVER.fault(sentence) == ""
    assert unproven_figures(sentence.text(), sentence.citations(), [question]) == ()


def test_every_figure_is_cited_where_it_stands() -> None:
    quoted = [
        c for c in told("What was the change in net sales between 2018 and 2019?").citations() if c.kind == "passage"
    ]
    assert [TEXT[c.start : c.end] for c in quoted] == ["Net sales", "1,200", "1,000"]


def test_a_figure_worked_out_wrongly_or_from_elsewhere_does_not_hold() -> None:
    sentence = told("What was the change in net sales between 2018 and 2019?")
    at, slot = next((i, p) for i, p in enumerate(sentence.parts) if isinstance(p, Slot) and p.operands)

    def with_slot(changed: Slot) -> Sentence:
        return replace(sentence, parts=(*sentence.parts[:at], changed, *sentence.parts[at + 1 :]))

    wrong = replace(slot, text="300", value=Decimal(300), citation=replace(slot.citation, value=Decimal(300)))
    assert "says something else" in PROVER.fault(with_slot(wrong))
    foreign = replace(slot, citation=replace(slot.citation, quote="1300 - 1100"))
    assert "does not cite" in PROVER.fault(with_slot(foreign))
    moved = replace(slot, operands=(replace(slot.operands[0], start=0, end=5), *slot.operands[1:]))
    assert "not what the document says" in PROVER.fault(with_slot(moved))


@pytest.mark.parametrize("written", ["__import__('os')", "2 ** 9", "a + 1", "1 / 0", "(" * 500, "", "1 if 1 else 2"])
def test_only_plain_arithmetic_is_worked_out(written: str) -> None:
    assert worked_out(written) is None


def test_working_is_exact() -> None:
    assert worked_out("(0.1 + 0.2) * 10") == Decimal("3.0")
    assert numbers_in("(44.1 - 56.7) / 56.7 * 100") == (
        Decimal("100"),
        Decimal("56.7"),
        Decimal("44.1"),
        Decimal("56.7"),
    )
