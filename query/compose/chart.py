"""Charts: from the rows of an answer to a Vega-Lite specification, and from that to a PNG or SVG, offline.

Lines for a trend, columns for a distribution over a number, bars for comparisons and shares. Colours are told apart by
colour-blind readers (Okabe and Ito's), text is dark, and what is missing is a gap, not a zero.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from index.sql import Rows
from query.compose.chart_data import Drawn, Grain, column, drawn, number_of, point_text, span_of, words
from query.format import SYMBOLS, as_decimal, is_currency
from query.plan import Reading

Mark = Literal["line", "bar", "column"]
MOST_BARS = 30
MOST_COLUMNS = 24
FEWEST_OF_A_HISTOGRAM = 20
SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
INK, MUTED, GRID = "#1c2733", "#475467", "#e6e9ef"
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00")
BELOW = "#d55e00"  # bars below zero
_SHARE = re.compile(r"\b(?:shares?|proportions?|breakdown|split|composition|percentage of)\b", re.IGNORECASE)


def chart(
    rows: Rows, reading: Reading, *, kind: str = "auto", units: Mapping[str, str] | None = None, period: str = ""
) -> dict[str, Any] | None:
    """A Vega-Lite specification of `rows`, or None where a chart says no more than the value itself.

    `reading.x` is the label or time column, `reading.y` the measures (guessed from the values where they are not
    given). `kind` "line" or "bar" decides instead of "auto". `units` gives the unit of a measure (`EUR`, `percent`, a
    word); the title carries the unit, and `period`, or the time that a series covers.
    """
    units = units or {}
    if len(rows.rows) < 2:
        return None
    values = _histogram(rows, reading)
    if values is not None:
        title = reading.title or f"Distribution of {words(values).lower()}"
        return _spec(_wrapped(title[:1].upper() + title[1:]), _binned(rows, values, units), 300)
    found = drawn(rows, reading, units)
    if found is None or not found.records:
        return None
    mark = _mark(found, kind)
    if mark != "line":
        found = _shares(_cut(found), reading)
    unit = _unit(found.y, units)
    cut = len({r["x"] for r in found.records}) < len(dict.fromkeys(map(str, column(rows, found.x)))) and mark != "line"
    title = _title(reading, found, unit, period, f"first {MOST_BARS}" if cut else _left_out(found))
    found = found if mark == "line" else _in_words(found)
    height = 320 if mark != "bar" else _bar_height(len({r["x"] for r in found.records}), len(found.names))
    return _spec(_wrapped(title), _marks(mark, found, unit), height, found.records)


def render_png(spec: Mapping[str, Any], scale: float = 2.0) -> bytes:
    """The chart as a PNG picture; drawn in process, nothing is fetched."""
    import vl_convert

    picture = vl_convert.vegalite_to_png(vl_spec=dict(spec), scale=scale)
    return bytes(picture)


def render_svg(spec: Mapping[str, Any]) -> str:
    """The chart as an SVG text."""
    import vl_convert

    return str(vl_convert.vegalite_to_svg(vl_spec=dict(spec)))


def _spec(
    title: Sequence[str], marks: Mapping[str, Any], height: int, records: Sequence[Mapping[str, Any]] | None = None
) -> dict[str, Any]:
    return {
        "$schema": SCHEMA,
        "title": {"text": list(title), "anchor": "start", "frame": "group", "color": INK, "fontSize": 15, "offset": 14},
        "width": 620,
        "height": height,
        "padding": {"left": 8, "top": 8, "right": 24, "bottom": 8},
        "background": "white",
        **({"data": {"values": list(records)}} if records is not None else {}),
        **marks,
        "config": _config(),
    }


# --- which chart --------------------------------------------------------------------------------------------------


def _mark(found: Drawn, kind: str) -> Mark:
    if kind == "line" or (kind != "bar" and found.grain and len(found.days) > 2):
        return "line"
    few = len({r["x"] for r in found.records}) <= MOST_COLUMNS
    return "column" if few and len(found.names) == 1 and (found.ordered or found.grain) else "bar"


def _histogram(rows: Rows, reading: Reading) -> str | None:
    """The one column of numbers whose distribution is to be shown: many rows, and nothing to label them by."""
    numeric = [c for c in rows.columns if all(as_decimal(v) is not None for v in column(rows, c) if v is not None)]
    if len(rows.columns) != 1 or not numeric or len(rows.rows) < FEWEST_OF_A_HISTOGRAM:
        return None
    return numeric[0]


def _cut(found: Drawn) -> Drawn:
    """The first bars of a long list."""
    kept = list(dict.fromkeys(r["x"] for r in found.records))[:MOST_BARS]
    return replace(found, records=tuple(r for r in found.records if r["x"] in set(kept)))


def _in_words(found: Drawn) -> Drawn:
    """Points in time as labels, in their order, without the gaps between them."""
    if found.grain is None:
        return found
    texts = {str(day): point_text(day, found.grain) for day in found.days}
    kept = (dict(r, x=texts[r["x"]]) for r in found.records if r["value"] is not None)
    return replace(found, records=tuple(kept), grain=None)


def _shares(found: Drawn, reading: Reading) -> Drawn:
    """Bars of a share with the percentage of their total behind their value, where all parts are there."""
    said = f"{reading.title} {reading.explanation}"
    total = sum(r["value"] for r in found.records)
    if not _SHARE.search(said) or len(found.names) > 1 or total <= 0 or any(r["value"] < 0 for r in found.records):
        return found
    if all("%" in r["label"] for r in found.records) or abs(total - 100) < 1:
        return found
    labelled = (dict(r, label=f"{r['label']} ({100 * r['value'] / total:.0f} %)") for r in found.records)
    return replace(found, records=tuple(labelled))


# --- how it looks -------------------------------------------------------------------------------------------------


def _marks(mark: Mark, found: Drawn, unit: str) -> dict[str, Any]:
    if mark == "line":
        return _lines(found, unit)
    return _columns(found, unit) if mark == "column" else _bars(found, unit)


def _lines(found: Drawn, unit: str) -> dict[str, Any]:
    across: dict[str, Any] = {"field": "x", "type": "ordinal", "sort": None, "title": words(found.x)}
    if found.grain:
        axis = {**_time_axis(found.grain, len(found.days)), "labelAngle": 0, "labelFlush": False}
        across = {"field": "x", "type": "temporal", "title": None, "axis": axis, "scale": {"type": "utc"}}
    return {
        "mark": {
            "type": "line", "point": {"size": 36} if len(found.days) <= 40 else False, "strokeWidth": 2.5,
            "invalid": "break-paths-filter-domains",
        },
        "encoding": {
            "x": across, "y": _value_axis(found, unit), "color": _colour(found.names), "tooltip": _tooltip(found, unit),
        },
    }  # fmt: skip


def _time_axis(grain: Grain, points: int) -> dict[str, Any]:
    """Ticks on the points themselves, eight at most, written as their grain is."""
    every = max(1, -(-points // 8))
    if grain == "quarter":
        return {
            "labelExpr": "'Q' + utcquarter(datum.value) + ' ' + utcyear(datum.value)",
            "tickCount": {"interval": "month", "step": 3 * every if every < 4 else 12},
        }
    if grain == "year":
        return {"format": "%Y", "tickCount": {"interval": "year", "step": every}}
    if grain == "month":
        return {"format": "%b %Y", "tickCount": {"interval": "month", "step": next(s for s in (1, 2, 3, 6, 12, 120)
                                                                                   if s >= every)}}  # fmt: skip
    return {"format": "%-d %b %Y", "tickCount": min(7, max(2, points))}


def _columns(found: Drawn, unit: str) -> dict[str, Any]:
    """Upright columns over an ordered label: a distribution."""
    across = {"field": "x", "type": "ordinal", "sort": None, "title": words(found.x), "axis": {"labelAngle": 0}}
    encoding = {"x": across, "y": _value_axis(found, unit), "tooltip": _tooltip(found, unit)}
    return {"layer": [
        {"mark": {"type": "bar", "cornerRadiusEnd": 2},
         "encoding": {**encoding, "color": {"value": COLOURS[0]}}},
        {"mark": {"type": "text", "dy": -7, "color": MUTED, "fontSize": 11},
         "encoding": {**encoding, "text": {"field": "label"}}},
    ]}  # fmt: skip


def _bars(found: Drawn, unit: str) -> dict[str, Any]:
    """Lying bars with their labels readable; the title says what they are by, so that their axis needs none."""
    y = {"field": "x", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 300}}
    encoding: dict[str, Any] = {"y": y, "x": _value_axis(found, unit), "tooltip": _tooltip(found, unit)}
    if len(found.names) > 1:
        offset = {"field": "measure", "sort": list(found.names)}
        encoding |= {"yOffset": offset, "color": _colour(found.names)}
        return {"mark": {"type": "bar", "cornerRadiusEnd": 2}, "encoding": encoding}
    below = {"condition": {"test": "datum.value < 0", "value": BELOW}, "value": COLOURS[0]}
    layers: list[dict[str, Any]] = [
        {"mark": {"type": "bar", "cornerRadiusEnd": 2}, "encoding": {**encoding, "color": below}}
    ]
    for test, align, dx in (("datum.value >= 0", "left", 4), ("datum.value < 0", "right", -4)):
        text = {"type": "text", "align": align, "dx": dx, "color": MUTED, "fontSize": 11}
        layers.append(
            {"transform": [{"filter": test}], "mark": text, "encoding": {**encoding, "text": {"field": "label"}}}
        )
    return {"layer": layers}


def _binned(rows: Rows, name: str, units: Mapping[str, str]) -> dict[str, Any]:
    unit = units.get(name, "")
    values = [{"value": number_of(v)} for v in column(rows, name) if v is not None]
    title = _axis_title([name], unit)
    return {
        "data": {"values": values},
        "mark": {"type": "bar", "color": COLOURS[0]},
        "encoding": {
            "x": {"field": "value", "bin": {"maxbins": 16}, "type": "quantitative", "title": title,
                  "axis": {"labelExpr": _number_expr(unit, max(abs(v["value"]) for v in values)), "labelAngle": 0}},
            "y": {"aggregate": "count", "type": "quantitative", "title": "Number"},
        },
    }  # fmt: skip


def _tooltip(found: Drawn, unit: str) -> list[dict[str, Any]]:
    kind = "temporal" if found.grain else "nominal"
    shown = [
        {"field": "x", "title": words(found.x), "type": kind},
        {"field": "value", "title": _axis_title(found.y, unit) or "Value", "type": "quantitative", "format": ",.6~r"},
    ]
    return [*shown, {"field": "measure", "title": "Series", "type": "nominal"}] if len(found.names) > 1 else shown


def _colour(names: Sequence[str]) -> dict[str, Any]:
    if len(names) == 1:
        return {"value": COLOURS[0]}
    return {
        "field": "measure", "type": "nominal", "title": None, "sort": None,
        "legend": {"orient": "top", "symbolType": "square", "columns": 4, "labelLimit": 180},
        "scale": {"domain": list(names), "range": list(COLOURS[: len(names)])},
    }  # fmt: skip


def _value_axis(found: Drawn, unit: str) -> dict[str, Any]:
    high = max((abs(r["value"]) for r in found.records if r["value"] is not None), default=0.0)
    title = _axis_title(found.y, unit)
    axis = {"labelExpr": _number_expr(unit, high), "tickCount": 6}
    return {"field": "value", "type": "quantitative", "title": title, "axis": axis, "scale": {"zero": True}}


def _number_expr(unit: str, high: float) -> str:
    before, after = SYMBOLS.get(unit, ""), " %" if unit in ("%", "percent") else ""
    shown = "replace(format(datum.value, '~s'), 'G', 'B')" if high >= 10_000 else "format(datum.value, ',.6~r')"
    return f"(datum.value < 0 ? '−' : '') + '{before}' + replace({shown}, /[-−]/, '') + '{after}'"


def _bar_height(categories: int, measures: int) -> int:
    return max(120, categories * (14 + 12 * measures))


def _unit(y: Sequence[str], units: Mapping[str, str]) -> str:
    """The one unit that all measures share, or none."""
    found = {units.get(name, "") for name in y}
    return found.pop() if len(found) == 1 else ""


def _axis_title(y: Sequence[str], unit: str) -> str:
    name = words(y[0]) if len(y) == 1 else ""
    shown = _said(unit) if unit and (is_currency(unit) or unit != name.lower()) else ""
    return f"{name} ({shown})" if name and shown else name or shown


def _said(unit: str) -> str:
    return "%" if unit in ("%", "percent") else unit


def _title(reading: Reading, found: Drawn, unit: str, period: str, note: str) -> str:
    """What is drawn, when, and in which unit."""
    base = reading.title or f"{', '.join(words(name) for name in found.y)} by {words(found.x).lower()}"
    text = base[:1].upper() + base[1:]
    when = period or (
        span_of(found.days, found.grain) if found.grain and not re.search(r"\b(?:19|20)\d\d\b", text) else ""
    )
    if when and when.lower() not in text.lower():
        text = f"{text}, {when}"
    if unit and not re.search(rf"\b{re.escape(unit)}\b|[€$£¥%]", text, re.IGNORECASE):
        text = f"{text} ({_said(unit)})"
    return f"{text} ({note})" if note else text


def _left_out(found: Drawn) -> str:
    return f"the largest {len(found.names)}" if found.left_out > 0 else ""


def _wrapped(title: str, width: int = 74) -> list[str]:
    return textwrap.wrap(title, width) or [""]


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
