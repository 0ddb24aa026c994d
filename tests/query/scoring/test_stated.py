"""Where people's records and a score differ, the answer says so."""

from __future__ import annotations

from dataclasses import replace

import pytest

from index.catalogue.model import Score, Stated
from index.sql import Rows
from query.evidence import TableEvidence
from query.scoring.stated import contradicting_row, stated_values
from tests.query import company
from tests.query.office import CATALOGUE, SCORE, administrator, engine

STATED = replace(SCORE, stated=Stated("contact_name", low=("gold",), high=("bronze",)))
ROWS = Rows(("account_id", "contact_name"), (("A1", "Gold"), ("A2", "bronze"), ("A3", None)))
EVIDENCE = TableEvidence("stated", "", "", ROWS, ("accounts",), "stated", "account", "account_id")


@pytest.mark.parametrize(
    ("key", "probability", "row"),
    [("A1", 0.9, 0), ("A1", 0.1, None), ("A2", 0.1, 1), ("A2", 0.9, None), ("A3", 0.9, None), ("A9", 0.9, None)],
)
def test_a_value_that_says_low_contradicts_a_high_score_and_the_other_way_round(
    key: str, probability: float, row: int | None
) -> None:
    assert contradicting_row(EVIDENCE, STATED, key, probability) == row
    assert contradicting_row(EVIDENCE, SCORE, key, probability) is None


def test_a_score_that_names_no_column_has_nothing_stated() -> None:
    assert stated_values(SCORE, company.reader(), CATALOGUE, administrator()) is None


def test_the_recorded_values_are_read_with_their_keys_through_the_guard() -> None:
    found = stated_values(STATED, company.reader(), CATALOGUE, administrator())
    assert found is not None
    assert found.rows.columns == ("account_id", "contact_name")
    assert {row[0] for row in found.rows.rows} >= {"A1", "A2", "A3"}


def _declared() -> Score:
    from index.catalogue.file import dump_catalogue, parse_catalogue, read_yaml
    from tests.index.catalogue.test_file import EXAMPLE

    mapping = read_yaml(EXAMPLE)
    score = next(iter(mapping["scores"].values()))
    score["stated"] = {"column": "country", "low": ["Germany"]}
    return parse_catalogue(read_yaml(dump_catalogue(parse_catalogue(mapping)))).scores[0]


def test_a_catalogue_file_declares_it_and_keeps_it_when_written() -> None:
    assert _declared().stated == Stated("country", low=("Germany",))


def test_an_answer_without_it_says_nothing_of_a_contradiction() -> None:
    assert engine().parts.catalogue.scores[0].stated is None
