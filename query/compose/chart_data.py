"""What a chart draws: the label, the measures and the series of a result, in time or in categories, gaps included."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any, Literal

from index.sql import Rows, Value
from query.format import MONTHS, SYMBOLS, as_date, as_decimal
from query.plan import Reading

Grain = Literal["year", "quarter", "month", "week", "day"]
LONGEST_LABEL = 44
MOST_SERIES = 6
MOST_FILLED = 400  # points of a series with its gaps; a longer one keeps its own points only
_MONTH = re.compile(r"(\d{4})-(\d{2})")
_QUARTER = re.compile(r"(\d{4})[- ]?Q([1-4])|Q([1-4])[- ](\d{4})")
_YEAR = re.compile(r"(?:19|20)\d{2}")
_STEPS: Mapping[Grain, int] = {"year": 12, "quarter": 3, "month": 1}


@dataclass(frozen=True)
class Drawn:
    """The rows of a chart: `records` have `x`, `value`, `label` and `measure`; `names` are the measures or series in
    order. `grain` is set for a label in time; `ordered` for a label that is a number."""

    records: tuple[dict[str, Any], ...]
    x: str
    y: tuple[str, ...]
    names: tuple[str, ...]
    grain: Grain | None = None
    ordered: bool = False
    days: tuple[dt.date, ...] = ()
    left_out: int = 0


def drawn(rows: Rows, reading: Reading, units: Mapping[str, str]) -> Drawn | None:
    """What to draw of `rows`; None where there is no label or no measure."""
    axes = _axes(rows, reading)
    if axes is None:
        return None
    x, y = axes
    labels = column(rows, x)
    times = times_of(labels)
    series = _series(rows, x, y)
    names = _names(rows, y, series)
    grain = grain_of(labels, times) if times else None
    shown = [str(t) for t in times] if times else unique_labels(labels)
    records = _records(rows, shown, y, series, names, units)
    if times and grain:
        records += _gaps(records, times, grain, names)
        records.sort(key=lambda r: (names.index(r["measure"]), r["x"]))
    left_out = len({str(v) for v in column(rows, series)}) - len(names) if series else 0
    ordered = times is None and all(as_decimal(v) is not None for v in labels if v is not None)
    return Drawn(tuple(records), x, y, names, grain, ordered, tuple(sorted(set(times or ()))), left_out)


def column(rows: Rows, name: str) -> list[Value]:
    """The values of a column."""
    at = rows.columns.index(name)
    return [row[at] for row in rows.rows]


def _axes(rows: Rows, reading: Reading) -> tuple[str, tuple[str, ...]] | None:
    """The label column and the measures: as the reading says, else the first column and every numeric one."""
    numeric = [c for c in rows.columns if _is_measure(column(rows, c))]
    x = reading.x if reading.x in rows.columns else None
    y = tuple(c for c in reading.y if c in numeric and c != x)
    if x is None:
        others = [c for c in rows.columns if c not in y]
        timed = [c for c in others if times_of(column(rows, c)) is not None]
        words = [c for c in others if c not in numeric]
        x = next(iter([*timed, *words, *others]), None)
    y = y or tuple(c for c in numeric if c != x)[:3]
    return (x, y) if x is not None and y else None


def _is_measure(values: Sequence[Value]) -> bool:
    present = [v for v in values if v is not None]
    return bool(present) and all(as_decimal(v) is not None for v in present)


def _series(rows: Rows, x: str, y: Sequence[str]) -> str | None:
    """The column that tells rows with the same label apart ("by month and region"), where there is one measure."""
    labels = column(rows, x)
    if len(y) != 1 or len(set(map(str, labels))) == len(labels):
        return None
    others = (c for c in rows.columns if c != x and c not in y and times_of(column(rows, c)) is None)
    return next((c for c in others if not _is_measure(column(rows, c))), None)


def _names(rows: Rows, y: Sequence[str], series: str | None) -> tuple[str, ...]:
    """The measures, or the series with the largest totals."""
    if series is None:
        return tuple(words(name) for name in y)
    totals: dict[str, float] = {}
    for name, value in zip(column(rows, series), column(rows, y[0]), strict=True):
        totals[label_of(name)] = totals.get(label_of(name), 0.0) + abs(float(as_decimal(value) or 0))
    return tuple(sorted(totals, key=lambda name: (-totals[name], name))[:MOST_SERIES])


def _records(
    rows: Rows,
    labels: Sequence[str],
    y: Sequence[str],
    series: str | None,
    names: Sequence[str],
    units: Mapping[str, str],
) -> list[dict[str, Any]]:
    told = [label_of(v) for v in column(rows, series)] if series else []
    records = []
    for name in y:
        for at, value in enumerate(column(rows, name)):
            measure = told[at] if told else words(name)
            if value is not None and measure in names:
                number = number_of(value)
                records.append({"x": labels[at], "value": number, "measure": measure,
                                "label": short(number, units.get(name, ""))})  # fmt: skip
    return records


def number_of(value: Value) -> float | int:
    """A measure as JSON has it."""
    return float(value) if isinstance(value, Decimal) else value  # type: ignore[return-value]


def short(value: float, unit: str) -> str:
    """A value at the end of its bar: `€8.45M`, `45.5 %`, `1,204`."""
    size = abs(value)
    if size >= 1_000_000:
        text = f"{value / 1_000_000:,.2f}M"
    elif size >= 10_000:
        text = f"{value / 1_000:,.0f}k"
    else:
        text = f"{value:,.2f}".rstrip("0").rstrip(".")
    if unit in SYMBOLS:
        return f"-{SYMBOLS[unit]}{text[1:]}" if text.startswith("-") else f"{SYMBOLS[unit]}{text}"
    return f"{text} %" if unit in ("%", "percent") else text


# --- labels in time ------------------------------------------------------------------------------------------------


def times_of(values: Sequence[Value]) -> list[dt.date] | None:
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


def grain_of(labels: Sequence[Value], times: Sequence[dt.date]) -> Grain:
    """What a label in time stands for: by how it is written, days by how far they are apart."""
    texts = [str(value).strip() for value in labels]
    for grain, pattern in (("year", _YEAR), ("quarter", _QUARTER), ("month", _MONTH)):
        if all(pattern.fullmatch(text) for text in texts):
            return grain  # type: ignore[return-value]
    days = sorted(set(times))
    if all(day.day == 1 for day in days) and len(days) > 1:
        return "month"
    apart = {(after - before).days for before, after in pairwise(days)}
    return "week" if apart and all(gap % 7 == 0 for gap in apart) else "day"


def _gaps(
    records: Sequence[Mapping[str, Any]], times: Sequence[dt.date], grain: Grain, names: Sequence[str]
) -> list[dict[str, Any]]:
    """A record without a value for every point that a series lacks, so that its line breaks there."""
    if grain == "day":
        return []
    points = _points(min(times), max(times), grain)
    if len(points) > MOST_FILLED:
        return []
    held = {(r["x"], r["measure"]) for r in records}
    return [
        {"x": str(day), "value": None, "measure": name, "label": ""}
        for name in names for day in points if (str(day), name) not in held
    ]  # fmt: skip


def _points(first: dt.date, last: dt.date, grain: Grain) -> list[dt.date]:
    if grain == "week":
        return [first + dt.timedelta(days=7 * at) for at in range((last - first).days // 7 + 1)]
    months = (last.year - first.year) * 12 + last.month - first.month
    step = _STEPS[grain]
    counted = (first.month - 1 + at for at in range(0, months + 1, step))
    return [dt.date(first.year + at // 12, at % 12 + 1, 1) for at in counted]


def span_of(days: Sequence[dt.date], grain: Grain) -> str:
    """The time that a series covers, in words: `Jan–Dec 2025`, `Q3 2025–Q1 2026`, `2019–2025`."""
    first, last = point_text(days[0], grain), point_text(days[-1], grain)
    if first == last:
        return first
    same_year = days[0].year == days[-1].year and grain != "year"
    return f"{first.removesuffix(f' {days[0].year}') if same_year else first}–{last}"


def point_text(day: dt.date, grain: Grain) -> str:
    """A point in time as a label has it."""
    if grain == "year":
        return str(day.year)
    if grain == "quarter":
        return f"Q{(day.month + 2) // 3} {day.year}"
    month = f"{MONTHS[day.month - 1][:3]} {day.year}"
    return month if grain == "month" else f"{day.day} {month}"


# --- labels in words -----------------------------------------------------------------------------------------------


def unique_labels(values: Sequence[Value]) -> list[str]:
    """Labels that fit beside a bar; where cutting makes two different values the same, their ends are kept too."""
    whole = [" ".join(str(v).split()) if v is not None else "(none)" for v in values]
    cut = {text: label_of(text) for text in dict.fromkeys(whole)}
    seen: dict[str, list[str]] = {}
    for text, label in cut.items():
        seen.setdefault(label, []).append(text)
    for label, texts in seen.items():
        for at, text in enumerate(texts if len(texts) > 1 else ()):
            cut[text] = f"{text[: LONGEST_LABEL // 2]}…{text[-LONGEST_LABEL // 3 :]}"
            if list(cut.values()).count(cut[text]) > 1:
                cut[text] = f"{label} ({at + 1})"
    return [cut[text] for text in whole]


def label_of(value: Value) -> str:
    """One label, cut at a length."""
    if value is None:
        return "(none)"
    day = as_date(value)
    if day is not None:
        return point_text(day, "day")
    text = " ".join(str(value).split())
    return text if len(text) <= LONGEST_LABEL else f"{text[: LONGEST_LABEL - 1]}…"


def words(name: str) -> str:
    """A column's name as words."""
    text = name.replace("_", " ").strip()
    return text[:1].upper() + text[1:]
