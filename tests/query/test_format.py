from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from query.format import STYLES, first, money, number, parse_date, percent, write, writes


@pytest.mark.parametrize(
    ("value", "style", "written"),
    [
        (12340.0, "money:EUR", "€12,340"), (99.5, "money:USD", "$99.50"), (1200, "money:CHF", "CHF 1,200"),
        (-5, "money:EUR", "-€5"), ("2026-06-30", "date", "30 June 2026"), (dt.date(2026, 6, 30), "day", "30 June"),
        (dt.datetime(2026, 6, 30, 8, 15), "date", "30 June 2026"),
        (0.384, "percent", "38%"), (38.4, "points:1", "38.4%"),
        (-0.38, "fall", "38%"), (0.38, "fall", ""), (1234567, "number", "1,234,567"), (0.125, "number", "0.13"),
        (2.0, "auto", "2"), (True, "auto", "yes"), (None, "auto", ""), ("  two \n lines ", "text", "two lines"),
        ("Dr. Ola Berg", "first", "Ola"), (42.5, "auto:%", "42.5%"), (0, "positive", ""),
        (Decimal("1.005"), "money:EUR", "€1.01"),
    ],
)  # fmt: skip
def test_a_value_is_written_in_its_style(value: object, style: str, written: str) -> None:
    assert write(value, style) == written  # type: ignore[arg-type]


def test_an_unknown_style_is_an_error() -> None:
    with pytest.raises(KeyError):
        write(1, "roman")


@given(st.one_of(st.integers(-(10**9), 10**9), st.decimals(-(10**6), 10**6, places=2), st.dates(dt.date(1900, 1, 1))))
def test_what_is_written_is_recognised_as_its_value(value: int | Decimal | dt.date) -> None:
    for style in ("auto", "auto:EUR") if isinstance(value, dt.date) else ("auto", "number", "money:EUR", "money"):
        assert writes(write(value, style), value)


@given(st.integers(0, 10**9), st.integers(1, 10**6))
def test_another_number_is_never_recognised(value: int, off: int) -> None:
    assert not writes(number(value + off), value)
    assert not writes(money(value + off, "EUR"), value)


def test_a_date_is_not_recognised_as_another_day() -> None:
    assert not writes("29 June 2026", "2026-06-30") and writes("30 June 2026", "2026-06-30T10:00:00")


def test_percents_may_come_from_fractions_and_falls() -> None:
    assert writes("38%", 0.38) and writes("38%", 38) and writes("38%", -0.381) and not writes("39%", 0.38)


def test_a_text_may_be_shortened_to_whole_words_only() -> None:
    assert writes("Lena", "Lena Vogt") and not writes("Len", "Lena Vogt") and not writes("Ola", "Lena Vogt")


def test_first_names_leave_titles_out() -> None:
    assert first("Prof. Dr. Ida Lind") == "Ida"


def test_dates_that_do_not_exist_are_no_dates() -> None:
    assert parse_date("31 February 2026") is None and percent("x") == "" and all(isinstance(k, str) for k in STYLES)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.00123, "0.00123"), (-0.0456, "-0.0456"), (0.5, "0.5"), (0.0, "0"), (1e-9, "0.000000001"), (12.345, "12.35")],
)
def test_no_number_is_rounded_to_nothing(value: float, text: str) -> None:
    assert number(value) == text
    assert writes(text, value)


def test_a_huge_number_is_written() -> None:
    assert number(1e300).startswith("1,000,000")
    assert writes(number(1e300), 1e300)
