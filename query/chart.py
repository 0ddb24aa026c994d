"""Charts: from the rows of an answer to a Vega-Lite specification, and from that to a PNG, offline."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal

from index.sql import Rows, Value
from query.format import MONTHS, SYMBOLS, as_date, as_decimal, is_currency
from query.plan import Reading

Mark = Literal["line", "bar"]
MOST_BARS = 30
SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
INK, MUTED, GRID = "#22304a", "#6b7688", "#e6e9ef"
COLOURS = ("#2f6fb2", "#e08a3c", "#4c9a6a", "#b5475d", "#7a66b8", "#8a8f99")
_MONTH = re.compile(r"(\d{4})-(\d{2})")
_QUARTER = re.compile(r"(\d{4})[- ]?Q([1-4])|Q([1-4])[- ](\d{4})")
_YEAR = re.compile(r"(?:19|20)\d{2}")


def chart(
    rows: Rows, reading: Reading, *, kind: str = "auto", units: Mapping[str, str] | None = None, period: str = ""
) -> dict[str, Any] | None:
    """A Vega-Lite specification of `rows`, or None where a chart says no more than the value itself.

    `reading.x` is the label or time column, `reading.y` the measures (guessed from the values where they are not
    given). Lines for a series in time, bars for categories; `kind` "line" or "bar" decides instead of "auto".
    `units` gives the unit of a measure (`EUR`, `%`, a word); `period` goes into the title, behind the reading's own.
    """
    axes = _axes(rows, reading)
    if axes is None or len(rows.rows) < 2:
        return None
    x, y = axes
    labels = _column(rows, x)
    times = _times(labels)
    mark: Mark = "line" if kind == "line" or (kind != "bar" and times is not None and len(set(times)) > 2) else "bar"
    records = _records(rows, x, y, times if times and mark == "line" else None)
    if mark == "bar" and len(records) > MOST_BARS * len(y):
        records = records[: MOST_BARS * len(y)]
    unit = _unit(y, units or {})
    title = _title(reading, x, y, period, cut=len(rows.rows) > MOST_BARS and mark == "bar")
    return {
        "$schema": SCHEMA,
        "title": {"text": _wrapped(title), "anchor": "start", "color": INK, "fontSize": 15, "offset": 14},
        "width": 620,
        "height": 320 if mark == "line" else _bar_height(len({r["x"] for r in records}), len(y)),
        "background": "white",
        "data": {"values": records},
        **_marks(mark, x, y, unit, times is not None, [str(v) for v in labels], max(abs(r["value"]) for r in records)),
        "config": _config(),
    }


def render_png(spec: Mapping[str, Any], scale: float = 2.0) -> bytes:
    """The chart as a PNG picture; drawn in process, nothing is fetched."""
    import vl_convert

    picture = vl_convert.vegalite_to_png(vl_spec=dict(spec), scale=scale)
    return bytes(picture)


def render_svg(spec: Mapping[str, Any]) -> str:
    """The chart as an SVG text."""
    import vl_convert

    return str(vl_convert.vegalite_to_svg(vl_spec=dict(spec)))


# --- what is drawn ------------------------------------------------------------------------------------------------


def _axes(rows: Rows, reading: Reading) -> tuple[str, tuple[str, ...]] | None:
    """The label column and the measures: as the reading says, else the first column and every numeric one."""
    numeric = [c for c in rows.columns if _is_measure(_column(rows, c))]
    x = reading.x if reading.x in rows.columns else None
    y = tuple(c for c in reading.y if c in numeric and c != x)
    if x is None:
        others = [c for c in rows.columns if c not in y]
        timed = [c for c in others if _times(_column(rows, c)) is not None]
        words = [c for c in others if c not in numeric]
        x = next(iter([*timed, *words, *others]), None)
    y = y or tuple(c for c in numeric if c != x)[:3]
    return (x, y) if x is not None and y else None


def _is_measure(values: Sequence[Value]) -> bool:
    present = [v for v in values if v is not None]
    return bool(present) and all(as_decimal(v) is not None for v in present)


def _column(rows: Rows, name: str) -> list[Value]:
    at = rows.columns.index(name)
    return [row[at] for row in rows.rows]


def _times(values: Sequence[Value]) -> list[dt.date] | None:
    """The values as days (a month, quarter or year is its first day); None unless all of them are in time."""
    found = [_time(value) for value in values]
    return [day for day in found if day] if found and all(found) else None


def _time(value: Value) -> dt.date | None:
    day = as_date(value)
    if day is not None or value is None or isinstance(value, bool):
        return day
    text = str(value).strip()
    if match := _MONTH.fullmatch(text):
        return dt.date(int(match[1]), int(match[2]), 1) if 1 <= int(match[2]) <= 12 else None
    if match := _QUARTER.fullmatch(text):
        year, quarter = (match[1], match[2]) if match[1] else (match[4], match[3])
        return dt.date(int(year), 3 * int(quarter) - 2, 1)
    return dt.date(int(text), 1, 1) if _YEAR.fullmatch(text) else None


def _records(rows: Rows, x: str, y: Sequence[str], times: Sequence[dt.date] | None) -> list[dict[str, Any]]:
    """One record a point: `x`, `value` and, with several measures, `measure`."""
    labels = _column(rows, x)
    records = []
    for name in y:
        for at, value in enumerate(_column(rows, name)):
            if value is None:
                continue
            where = times[at].isoformat() if times else _label(labels[at])
            records.append({"x": where, "value": _number(value), "measure": _words(name)})
    return records


def _number(value: Value) -> float | int:
    return float(value) if isinstance(value, Decimal) else value  # type: ignore[return-value]


def _label(value: Value) -> str:
    if value is None:
        return "(none)"
    day = as_date(value)
    if day is not None:
        return f"{day.day} {MONTHS[day.month - 1][:3]} {day.year}"
    text = " ".join(str(value).split())
    return text if len(text) <= 40 else f"{text[:39]}…"


# --- how it looks -------------------------------------------------------------------------------------------------


def _marks(
    mark: Mark, x: str, y: Sequence[str], unit: str, timed: bool, labels: Sequence[str], high: float
) -> dict[str, Any]:
    measure = _axis_title(y, unit)
    colour = _colour(y)
    tooltip = [
        {"field": "x", "title": _words(x), "type": "temporal" if mark == "line" and timed else "nominal"},
        {"field": "value", "title": measure, "type": "quantitative", "format": ",.6~r"},
    ]
    if mark == "line":
        across: dict[str, Any] = {"field": "x", "type": "ordinal", "sort": None, "title": _words(x)}
        if timed:
            ticks = min(8, max(2, len(labels)))
            axis = {"format": _time_format(labels), "labelAngle": 0, "tickCount": ticks}
            across = {"field": "x", "type": "temporal", "title": None, "axis": axis, "scale": {"type": "utc"}}
        return {
            "mark": {"type": "line", "point": len(labels) <= 40, "strokeWidth": 2.5},
            "encoding": {"x": across, "y": _value_axis(measure, unit, high), "color": colour, "tooltip": tooltip},
        }
    encoding: dict[str, Any] = {
        "y": {"field": "x", "type": "nominal", "sort": None, "title": _words(x), "axis": {"labelLimit": 240}},
        "x": _value_axis(measure, unit, high),
        "color": colour,
        "tooltip": tooltip,
    }
    if len(y) > 1:
        encoding["yOffset"] = {"field": "measure", "sort": None}
        return {"mark": {"type": "bar", "cornerRadiusEnd": 2}, "encoding": encoding}
    text = {k: v for k, v in encoding.items() if k != "color"} | {"text": {"field": "value", "format": ",.6~r"}}
    return {
        "layer": [
            {"mark": {"type": "bar", "cornerRadiusEnd": 2}, "encoding": encoding},
            {"mark": {"type": "text", "align": "left", "dx": 4, "color": MUTED, "fontSize": 11}, "encoding": text},
        ]
    }


def _colour(y: Sequence[str]) -> dict[str, Any]:
    if len(y) == 1:
        return {"value": COLOURS[0]}
    names = [_words(name) for name in y]
    return {
        "field": "measure", "type": "nominal", "title": None, "sort": None, "legend": {"orient": "top"},
        "scale": {"domain": names, "range": list(COLOURS[: len(names)])},
    }  # fmt: skip


def _value_axis(title: str, unit: str, high: float) -> dict[str, Any]:
    before, after = SYMBOLS.get(unit, ""), " %" if unit == "%" else ""
    shown = "replace(format(datum.value, '~s'), 'G', 'B')" if high >= 10_000 else "format(datum.value, ',.6~r')"
    axis = {"labelExpr": f"'{before}' + {shown} + '{after}'", "tickCount": 6}
    return {"field": "value", "type": "quantitative", "title": title, "axis": axis, "scale": {"zero": True}}


def _time_format(labels: Sequence[str]) -> str:
    if all(_YEAR.fullmatch(text) for text in labels):
        return "%Y"
    if all(_QUARTER.fullmatch(text) or _MONTH.fullmatch(text) for text in labels):
        return "%b %Y"
    return "%-d %b %Y"


def _bar_height(categories: int, measures: int) -> int:
    return max(120, categories * (14 + 12 * measures))


def _unit(y: Sequence[str], units: Mapping[str, str]) -> str:
    """The one unit that all measures share, or none."""
    found = {units.get(name, "") for name in y}
    return found.pop() if len(found) == 1 else ""


def _axis_title(y: Sequence[str], unit: str) -> str:
    name = _words(y[0]) if len(y) == 1 else ""
    shown = unit if unit and (is_currency(unit) or unit != name.lower()) else ""
    return f"{name} ({shown})" if name and shown else name or shown


def _title(reading: Reading, x: str, y: Sequence[str], period: str, cut: bool) -> str:
    base = reading.title or f"{', '.join(_words(name) for name in y)} by {_words(x).lower()}"
    text = base[:1].upper() + base[1:]
    if period and period.lower() not in text.lower():
        text = f"{text}, {period}"
    return f"{text} (first {MOST_BARS})" if cut else text


def _wrapped(title: str, width: int = 78) -> list[str]:
    import textwrap

    return textwrap.wrap(title, width) or [""]


def _words(name: str) -> str:
    text = name.replace("_", " ").strip()
    return text[:1].upper() + text[1:]


def _config() -> dict[str, Any]:
    return {
        "font": "Helvetica Neue, Arial, DejaVu Sans, sans-serif",
        "view": {"stroke": None},
        "axis": {
            "labelColor": INK, "titleColor": MUTED, "gridColor": GRID, "domainColor": GRID, "tickColor": GRID,
            "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal", "titlePadding": 10,
        },
        "legend": {"labelColor": INK, "labelFontSize": 12},
    }  # fmt: skip
