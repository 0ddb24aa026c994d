from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from index.sql import Rows, Value
from query.compose.chart import MOST_BARS, chart, render_png, render_svg
from query.plan import Reading


def reading(x: str | None = None, y: tuple[str, ...] = (), title: str = "") -> Reading:
    return Reading("SELECT 1", 1.0, "", x=x, y=y, title=title)


def rows(*columns: str, values: list[tuple[Value, ...]]) -> Rows:
    return Rows(columns, tuple(values))


MONTHS = rows("month", "revenue", values=[(f"2025-{m:02d}", 100_000.0 + m * 9_000) for m in range(1, 13)])
REGIONS = rows("region", "won", "lost", values=[("EMEA", 43, 20), ("APAC", 12, 9), ("AMER", 98, 30)])


def mark_of(spec: dict[str, Any] | None) -> str:
    assert spec is not None
    first = spec["layer"][0] if "layer" in spec else spec
    return str(first["mark"]["type"])


def test_a_series_in_time_becomes_a_line_and_categories_become_bars() -> None:
    assert mark_of(chart(MONTHS, reading("month", ("revenue",)))) == "line"
    assert mark_of(chart(REGIONS, reading("region", ("won", "lost")))) == "bar"
    assert mark_of(chart(MONTHS, reading("month", ("revenue",)), kind="bar")) == "bar"


@pytest.mark.parametrize(
    "labels", [("2023", "2024", "2025"), ("2025-Q1", "2025-Q2", "2025-Q3"), ("2025-01-05", "2025-01-12", "2025-01-19")]
)
def test_years_quarters_and_days_are_time(labels: tuple[str, ...]) -> None:
    spec = chart(rows("when", "n", values=[(label, at) for at, label in enumerate(labels)]), reading())
    assert mark_of(spec) == "line"
    assert spec is not None and spec["encoding"]["x"]["type"] == "temporal"


def test_single_values_and_texts_get_no_chart() -> None:
    assert chart(rows("n", values=[(5,)]), reading()) is None
    assert chart(rows("name", "n", values=[("A", 1)]), reading()) is None
    assert chart(rows("name", "city", values=[("A", "B"), ("C", "D")]), reading()) is None


def test_the_axes_are_guessed_where_the_reading_does_not_say() -> None:
    spec = chart(REGIONS, reading())
    assert spec is not None
    assert {r["measure"] for r in spec["data"]["values"]} == {"Won", "Lost"}
    assert {r["x"] for r in spec["data"]["values"]} == {"EMEA", "APAC", "AMER"}


def test_the_title_carries_the_period_and_the_axis_the_unit() -> None:
    spec = chart(MONTHS, reading("month", ("revenue",), "revenue by month"), units={"revenue": "EUR"}, period="2025")
    assert spec is not None
    assert spec["title"]["text"] == ["Revenue by month, 2025 (EUR)"]
    assert spec["encoding"]["y"]["title"] == "Revenue (EUR)" and "€" in spec["encoding"]["y"]["axis"]["labelExpr"]


def test_values_that_are_missing_are_left_out_and_not_drawn_as_zero() -> None:
    spec = chart(rows("region", "n", values=[("A", 1), ("B", None), ("C", 3)]), reading("region", ("n",)))
    assert spec is not None and [r["x"] for r in spec["data"]["values"]] == ["A", "C"]


def test_a_long_list_is_cut_and_says_so() -> None:
    many = rows("sku", "n", values=[(f"sku {i}", 100 - i) for i in range(80)])
    spec = chart(many, reading("sku", ("n",), "Units by product"))
    assert spec is not None and len(spec["data"]["values"]) == MOST_BARS
    assert f"first {MOST_BARS}" in spec["title"]["text"][0]


@pytest.mark.parametrize("table", [MONTHS, REGIONS])
def test_a_chart_is_drawn_offline_as_png_and_svg(table: Rows) -> None:
    spec = chart(table, reading(title="A chart"), units={"revenue": "EUR"})
    assert spec is not None
    with Image.open(io.BytesIO(render_png(spec))) as picture:
        assert picture.width > 600 and len(set(picture.convert("L").resize((60, 40)).tobytes())) > 10
    assert render_svg(spec).startswith("<svg") and "A chart" in render_svg(spec)


def records(spec: dict[str, Any] | None) -> list[dict[str, Any]]:
    assert spec is not None
    return list(spec["data"]["values"])


def test_months_that_are_missing_are_gaps_in_the_line() -> None:
    some = rows("month", "n", values=[("2025-01", 1), ("2025-02", 2), ("2025-05", 3)])
    spec = chart(some, reading("month", ("n",)))
    assert [(r["x"], r["value"]) for r in records(spec)] == [
        ("2025-01-01", 1), ("2025-02-01", 2), ("2025-03-01", None), ("2025-04-01", None), ("2025-05-01", 3),
    ]  # fmt: skip
    assert spec is not None and spec["title"]["text"] == ["N by month, Jan–May 2025"]


def test_rows_with_the_same_label_become_series_and_not_a_zigzag() -> None:
    values: list[tuple[Value, ...]] = [(f"2025-{m:02d}", r, m * n) for m in (1, 2, 3) for n, r in enumerate("ABCDEFGH")]
    spec = chart(rows("month", "region", "n", values=values), reading("month", ("n",)))
    assert {r["measure"] for r in records(spec)} == set("CDEFGH")
    assert spec is not None and spec["encoding"]["color"]["field"] == "measure"
    assert "the largest 6" in spec["title"]["text"][0]


def test_long_labels_that_look_the_same_stay_apart() -> None:
    name = "A product name that goes on and on and does not want to end at all, in size "
    spec = chart(rows("product", "n", values=[(name + size, 1) for size in "SML"]), reading("product", ("n",)))
    labels = [r["x"] for r in records(spec)]
    assert len(set(labels)) == 3 and all(len(label) <= 44 for label in labels)


def test_values_below_zero_keep_their_labels_outside_the_bar() -> None:
    spec = chart(rows("region", "change", values=[("A", -12.5), ("B", 8.0)]), reading(), units={"change": "percent"})
    assert spec is not None
    assert [layer["mark"].get("align") for layer in spec["layer"]] == [None, "left", "right"]
    assert [r["label"] for r in records(spec)] == ["-12.5 %", "8 %"]


def test_shares_say_their_part_of_the_whole() -> None:
    parts = rows("region", "revenue", values=[("A", 3_000_000), ("B", 1_000_000)])
    spec = chart(parts, reading("region", ("revenue",), "Breakdown of revenue by region"), units={"revenue": "EUR"})
    assert [r["label"] for r in records(spec)] == ["€3.00M (75 %)", "€1.00M (25 %)"]


def test_a_number_as_label_and_bare_numbers_are_distributions() -> None:
    stars = rows("stars", "n", values=[(s, 10 * s) for s in range(1, 6)])
    assert mark_of(chart(stars, reading())) == "bar"
    spec = chart(stars, reading())
    assert spec is not None and spec["layer"][0]["encoding"]["x"]["type"] == "ordinal"
    amounts = chart(rows("amount", values=[(float(a),) for a in range(60)]), reading(), units={"amount": "EUR"})
    assert amounts is not None and amounts["encoding"]["x"]["bin"] == {"maxbins": 16}


def test_quarters_are_written_as_quarters() -> None:
    quarters = rows("quarter", "n", values=[("2025-Q3", 1), ("2025-Q4", 2), ("2026-Q1", 3)])
    spec = chart(quarters, reading())
    assert spec is not None and "'Q'" in spec["encoding"]["x"]["axis"]["labelExpr"]
    assert spec["title"]["text"] == ["N by quarter, Q3 2025–Q1 2026"]


AWKWARD = {
    "two points": rows("month", "n", values=[("2025-01", 1), ("2025-02", 2)]),
    "forty categories": rows("c", "n", values=[(f"category {i}", i) for i in range(40)]),
    "below zero": rows("c", "n", values=[("A", -1), ("B", 2)]),
    "quarters": rows("q", "n", values=[("2025-Q1", 1), ("2025-Q2", 2), ("2025-Q4", 3)]),
    "days": rows("d", "n", values=[("2025-01-01", 1), ("2025-01-02", 2), ("2025-01-05", 3)]),
    "bare numbers": rows("n", values=[(float(i),) for i in range(30)]),
    "all zero": rows("c", "n", values=[("A", 0), ("B", 0)]),
}


@pytest.mark.parametrize("name", AWKWARD)
def test_awkward_results_are_drawn_too(name: str) -> None:
    spec = chart(AWKWARD[name], reading())
    assert spec is not None and render_png(spec, 1.0).startswith(b"\x89PNG")
