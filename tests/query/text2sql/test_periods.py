"""Periods in questions, seen from Friday, 15 May 2026; the table is periods.tsv."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

import pytest

from query.text2sql.periods import read_time

_TODAY = dt.date(2026, 5, 15)
_TABLE = csv.reader((Path(__file__).parent / "periods.tsv").open(encoding="utf-8"), delimiter="\t")
_CASES = [tuple(row) for row in _TABLE]


@pytest.mark.parametrize(("words", "since", "until", "grain"), _CASES, ids=[case[0] for case in _CASES])
def test_a_period_is_read_as_written_down(words: str, since: str, until: str, grain: str) -> None:
    time = read_time(words, _TODAY)
    got = [(p.since.isoformat() if p.since else "", p.until.isoformat() if p.until else "") for p in time.periods]
    assert got == ([(since, until)] if since or until else [])
    assert (time.grain or "") == grain


def test_the_offsets_of_a_period_cover_its_words() -> None:
    question = "Revenue by region last quarter in EMEA"
    (period,) = read_time(question, _TODAY).periods
    assert question[period.start : period.end] == "last quarter"


def test_quarters_follow_the_fiscal_year() -> None:
    (period,) = read_time("last quarter", _TODAY, fiscal_year_start=2).periods
    assert (period.since, period.until) == (dt.date(2026, 2, 1), dt.date(2026, 5, 1))
    (period,) = read_time("Q1 2026", _TODAY, fiscal_year_start=7).periods
    assert (period.since, period.until) == (dt.date(2025, 7, 1), dt.date(2025, 10, 1))


def test_the_period_before_and_the_one_a_year_ago_have_the_same_length() -> None:
    (period,) = read_time("Q1 2026", _TODAY).periods
    assert (period.previous().since, period.previous().until) == (dt.date(2025, 10, 1), dt.date(2026, 1, 1))
    assert (period.year_ago().since, period.year_ago().until) == (dt.date(2025, 1, 1), dt.date(2025, 4, 1))


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("revenue this quarter compared to the previous quarter", "previous"),
        ("revenue this quarter vs last quarter", "previous"),
        ("revenue this month versus last month", "previous"),
        ("revenue of 2025 year over year", "year"),
        ("revenue this quarter compared to the same quarter last year", "year"),
        ("revenue this quarter", ""),
    ],
)
def test_comparisons_with_an_earlier_period_are_seen(words: str, kind: str) -> None:
    assert read_time(words, _TODAY).compare == kind


def test_impossible_dates_are_no_periods() -> None:
    assert read_time("on 2026-02-31 or 99/99/2026", _TODAY).periods == ()
