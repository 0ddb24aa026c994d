"""Types inferred from the values of a column, and values brought to them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from index.catalogue.model import ColumnType
from ingest.coercion import ColumnCoercer, Misfit
from ingest.dates import DateOrder, date_order, parse_moment


def _read(values: list[Any], name: str = "value", **options: Any) -> tuple[str, list[Any]]:
    coercer = ColumnCoercer(name, values, **options)
    return coercer.type, coercer.cells()


@pytest.mark.parametrize(
    ("values", "kind", "cells"),
    [
        (["1", "2", ""], "integer", [1, 2, None]),
        (["1", "2.5", "N/A"], "number", [1.0, 2.5, None]),
        (["$1,234.50", "€2"], "number", [1234.5, 2.0]),
        (["1.234,50 €", "12,5"], "number", [1234.5, 12.5]),
        (["(5)", "-3"], "integer", [-5, -3]),
        (["1 234,50", "2'500"], "number", [1234.5, 2500.0]),
        (["49 30 1234", "49 30 77"], "text", ["49 30 1234", "49 30 77"]),
        (["1.2.3", "1.2.4"], "text", ["1.2.3", "1.2.4"]),
        (["1,000", "2,500"], "integer", [1000, 2500]),
        (["yes", "No", "-"], "boolean", [True, False, None]),
        (["0", "1"], "integer", [0, 1]),
        (["00123", "04567"], "text", ["00123", "04567"]),
        (["+4930123", "+4930124"], "text", ["+4930123", "+4930124"]),
        ([1, 2.5, None], "number", [1.0, 2.5, None]),
        ([True, None], "boolean", [True, None]),
        ([1, True, "x"], "text", ["1", "true", "x"]),
        ([10**30], "number", [1e30]),
        (["2026-01-31", "31.01.2026", "31 Jan 2026", "Jan 31, 2026"], "date", [dt.date(2026, 1, 31)] * 4),
        (["2026-01-31T10:00:00Z", "2026-01-31"], "datetime",
         [dt.datetime(2026, 1, 31, 10), dt.datetime(2026, 1, 31)]),
        (["2026-01-31T00:00:00.000+0000"], "date", [dt.date(2026, 1, 31)]),
        (["a\x00b", " c "], "text", ["ab", "c"]),
        (["EMEA", "APAC", "NA"], "text", ["EMEA", "APAC", "NA"]),
        (["Ann", "Bob", "NA"], "text", ["Ann", "Bob", None]),
        ([], "text", []),
    ],
)  # fmt: skip
def test_the_type_follows_from_the_values(values: list[Any], kind: str, cells: list[Any]) -> None:
    found = _read(values)
    assert found == (kind, cells)
    assert [type(c) for c in found[1]] == [type(c) for c in cells]


@pytest.mark.parametrize(
    ("values", "kind", "cells"),
    [
        ([1.5, None, float("nan")], "number", [1.5, None, None]),
        ([0.0, float("inf")], "number", [0.0, Misfit]),
        ([1, None, 2**63 - 1], "integer", [1, None, 2**63 - 1]),
        ([1, 2**63], "integer", [1, Misfit]),
        ([1, True], "integer", [1, 1]),
        ([3, None], "number", [3.0, None]),
        ([True, None, False], "boolean", [True, None, False]),
        ([2, 0], "boolean", [Misfit, False]),
        (["  a long text with spaces  ", "a long text\x07 with a bell", "plain enough"], "text",
         ["a long text with spaces", "a long text with a bell", "plain enough"]),
    ],
)  # fmt: skip
def test_values_of_a_declared_type_are_taken_as_they_are_only_where_they_fit(
    values: list[Any], kind: ColumnType, cells: list[Any]
) -> None:
    found = ColumnCoercer("value", values, declared=kind).cells()
    assert [Misfit if isinstance(cell, Misfit) else cell for cell in found] == cells
    assert [type(cell) for cell in found] == [Misfit if cell is Misfit else type(cell) for cell in cells]


def test_phones_and_postcodes_stay_text() -> None:
    assert _read(["5551234", "5559876"], "mobile_phone")[0] == "text"
    assert _read(["10115", "80331"], "billing_postal_code")[0] == "text"


def test_digits_are_a_date_only_in_a_column_called_like_one() -> None:
    assert _read(["20260304", "20260305"], "order_date") == ("date", [dt.date(2026, 3, 4), dt.date(2026, 3, 5)])
    assert _read(["20260304", "20260305"], "serial")[0] == "integer"


def test_a_few_misfits_go_and_many_make_the_column_text() -> None:
    kind, cells = _read([str(n) for n in range(99)] + ["on request"], "price")
    assert kind == "integer" and isinstance(cells[-1], Misfit) and "on request" in cells[-1].reason
    assert _read([str(n) for n in range(99)] + ["X1"], "product_code")[0] == "text"
    assert _read([*map(str, range(9)), "x"], "price")[0] == "text"


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        ("date", "31.02.2026", "not a date"), ("integer", "1.5", "not an integer"), ("number", "abc", "not a number"),
        ("boolean", "maybe", "neither true nor false"), ("integer", "9" * 30, ""), ("number", float("inf"), "finite"),
    ],
)  # fmt: skip
def test_a_declared_type_refuses_what_does_not_fit(kind: ColumnType, value: Any, reason: str) -> None:
    (cell,) = _read([value], declared=kind)[1]
    assert isinstance(cell, Misfit) and reason in cell.reason


def test_day_and_month_are_told_apart_by_the_unambiguous_values_of_the_column() -> None:
    assert _read(["03/04/2026", "25/12/2026"])[1] == [dt.date(2026, 4, 3), dt.date(2026, 12, 25)]
    assert _read(["03/04/2026", "12/25/2026"])[1] == [dt.date(2026, 3, 4), dt.date(2026, 12, 25)]
    assert date_order(["3/4/2026"]) == DateOrder(slash=False, dash=True, dot=True)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-05-01 14:30", dt.datetime(2026, 5, 1, 14, 30)),
        ("2026-05-01T14:30:00+02:00", dt.datetime(2026, 5, 1, 12, 30)),
        ("5/1/2026 2:30 PM", dt.datetime(2026, 5, 1, 14, 30)),
        ("1. März 2026", dt.date(2026, 3, 1)),
        ("Tue, 3 Mar 2026 10:00:00 +0100", dt.datetime(2026, 3, 3, 9)),
        ("March 4th, 2026", dt.date(2026, 3, 4)),
        ("04-Mar-26", dt.date(2026, 3, 4)),
        ("2026/3/4", dt.date(2026, 3, 4)),
    ],
)
def test_moments_are_read_in_the_forms_that_exports_use(text: str, moment: dt.date) -> None:
    assert parse_moment(text, DateOrder()) == moment


@pytest.mark.parametrize("text", ["", "hello", "2026-13-01", "99/99/2026", "4 Mai", "20260304", "12:30"])
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_moment(text, DateOrder())


def test_loose_reading_takes_digits_and_seconds() -> None:
    assert parse_moment("20260304", DateOrder(), loose=True) == dt.date(2026, 3, 4)
    assert parse_moment(1_772_582_400_000, DateOrder(), loose=True) == dt.datetime(2026, 3, 4)
