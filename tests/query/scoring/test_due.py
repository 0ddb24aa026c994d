from __future__ import annotations

import datetime as dt
from dataclasses import replace

from index.scope import Scope
from query.scoring import due_dates, due_row
from tests.query import company
from tests.query.office import CATALOGUE, SCORE

DATED = replace(SCORE, due_sql="SELECT account_id, renewal_date FROM renewals")


def test_due_dates_can_be_cited_as_cells() -> None:
    evidence = due_dates(DATED, company.reader(), CATALOGUE, company.administrator())
    assert evidence is not None
    assert "renewals__renewal_id" in evidence.rows.columns
    assert (evidence.entity, evidence.key_column) == ("account", "account_id")


def test_the_earliest_date_of_the_period_is_the_one_that_is_told() -> None:
    evidence = due_dates(DATED, company.reader(), CATALOGUE, company.administrator())
    assert evidence is not None
    row = due_row(evidence, "A1", dt.date(2026, 4, 1), dt.date(2026, 7, 1))
    assert row is not None and evidence.rows.rows[row][1] == "2026-06-30"
    assert due_row(evidence, "A2", dt.date(2026, 4, 1), dt.date(2026, 7, 1)) is None
    assert due_row(evidence, "A2", dt.date(2026, 4, 1), None) is not None


def test_what_the_scope_hides_gives_no_dates() -> None:
    assert due_dates(DATED, company.reader(), CATALOGUE, Scope.nothing("stranger")) is None


def test_a_score_without_due_dates_gives_none() -> None:
    assert due_dates(replace(SCORE, due=""), company.reader(), CATALOGUE, company.administrator()) is None
