from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from index.sql import Rows, Value
from query.chart import MOST_BARS, chart, render_png, render_svg
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
    assert spec["title"]["text"] == ["Revenue by month, 2025"]
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
