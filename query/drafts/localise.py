"""Dates, amounts and percentages in other languages, made from how English writes them, and read back."""

from __future__ import annotations

import re
from dataclasses import dataclass

from index.sql import Value
from query.format import MONTHS, as_date, as_decimal


@dataclass(frozen=True)
class Language:
    """How a language writes: `thousands` and `decimal` separators, what stands before a percent sign, its months."""

    thousands: str
    decimal: str
    percent: str
    months: tuple[str, ...]
    day: str
    yes: tuple[str, str]


LANGUAGES = {
    "de": Language(".", ",", "\u00a0%", tuple(
        "Januar Februar März April Mai Juni Juli August September Oktober November Dezember".split()
    ), "{day}. {month}", ("ja", "nein")),
    "fr": Language("\u202f", ",", "\u00a0%", tuple(
        "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split()
    ), "{day} {month}", ("oui", "non")),
}  # fmt: skip
_AMOUNT = re.compile(
    r"(?P<sign>-?)(?:(?P<code>[A-Z]{3}) |(?P<symbol>[€$£¥]))?(?P<number>\d[\d,]*(?:\.\d+)?)(?P<percent>%?)"
)


def localised(text: str, value: Value, style: str, language: str) -> str:
    """`text`, which English writes for `value` in `style`, as `language` writes it; as it is in an unknown language."""
    spoken = LANGUAGES.get(language)
    if spoken is None or not text or style in ("text", "lower", "first"):
        return text
    if isinstance(value, bool):
        return spoken.yes[0] if value else spoken.yes[1]
    day = as_date(value)
    if day is not None:
        number = "1er" if language == "fr" and day.day == 1 else day.day
        said = spoken.day.format(day=number, month=spoken.months[day.month - 1])
        return said if style == "day" else f"{said} {day.year}"
    return _amount(text, spoken) if as_decimal(value) is not None else text


def _amount(text: str, spoken: Language) -> str:
    found = _AMOUNT.fullmatch(text)
    if found is None:
        return text
    whole, _, cents = found["number"].partition(".")
    number = f"{found['sign']}{whole.replace(',', spoken.thousands)}{spoken.decimal + cents if cents else ''}"
    unit = found["symbol"] or found["code"]
    if unit:
        return f"{number}\u00a0{unit}"
    return f"{number}{spoken.percent}" if found["percent"] else number


def english(text: str, language: str) -> str:
    """A text of `language` with its dates and numbers as English writes them, for the checker to read."""
    spoken = LANGUAGES.get(language)
    if spoken is None:
        return text
    names = "|".join(spoken.months)
    text = re.sub(rf"\b(\d{{1,2}})(?:\.|er)?\s({names})\b", lambda m: f"{m[1]} {_month(m[2], spoken)}", text)
    text = re.sub(rf"\b({names})(?= \d{{4}}\b)", lambda m: _month(m[1], spoken), text)
    group, point = re.escape(spoken.thousands), re.escape(spoken.decimal)
    pattern = rf"(?<![\w.,-])-?\d{{1,3}}(?:(?:{group}\d{{3}})+(?:{point}\d+)?|{point}\d+)(?![\w]|[.,]\d)"
    text = re.sub(pattern, lambda m: m[0].replace(spoken.thousands, "").replace(spoken.decimal, "."), text)
    text = re.sub(r"(-?)(\d[\d.]*)\u00a0([€$£¥])", r"\1\3\2", text)
    text = re.sub(r"(-?)(\d[\d.]*)\u00a0([A-Z]{3})\b", r"\1\3 \2", text)
    return text.replace("\u00a0%", "%")


def _month(name: str, spoken: Language) -> str:
    return MONTHS[spoken.months.index(name)]
