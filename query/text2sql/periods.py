"""Dates and periods in a question, as half-open ranges of days relative to a given `today`.

"last quarter", "since March", "between 2024-01-01 and 2024-03-31", "the past 90 days", "Q1 2026", "by month".
Quarters follow the fiscal calendar when it does not start in January; years do when the question says fiscal.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, replace
from typing import Protocol

from dateutil.relativedelta import relativedelta

from query.text2sql.logical import Grain
from query.text2sql.tokens import NUMBER_WORDS

MONTHS = {
    name: i + 1
    for i, names in enumerate(
        ("january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul", "august aug",
         "september sept sep", "october oct", "november nov", "december dec")
    )
    for name in names.split()
}  # fmt: skip
_MONTH = "(?:" + "|".join(sorted(MONTHS, key=len, reverse=True)) + r")\b\.?"
_NUM = r"(?:\d+|" + "|".join(sorted(NUMBER_WORDS, key=len, reverse=True)) + "|a few|few|couple of)"
_UNIT = r"(?:day|week|month|quarter|year)"
DUE = "due"  # the unit of a period that speaks of when something was due
_ORDINALS = {"first": 1, "1st": 1, "second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4, "4th": 4}
_GRAINS: dict[str, Grain] = {
    "daily": "day", "weekly": "week", "monthly": "month", "quarterly": "quarter", "yearly": "year", "annual": "year",
    "annually": "year",
}  # fmt: skip


@dataclass(frozen=True)
class Period:
    """Characters `start` to `end` of the question mean the days from `since` up to, not including, `until`."""

    start: int
    end: int
    since: dt.date | None
    until: dt.date | None
    label: str = ""
    unit: str = "day"

    @property
    def year(self) -> int | None:
        """The year, when the period is one calendar year."""
        if self.since is None or self.until is None:
            return None
        whole = (self.since.month, self.since.day) == (1, 1) and self.until == dt.date(self.since.year + 1, 1, 1)
        return self.since.year if whole else None

    def previous(self) -> Period:
        """The period of the same kind just before this one."""
        if self.since is None or self.until is None:
            return self
        span = relativedelta(self.until, self.since)
        days = self.until - self.since
        since = self.since - span if span.days == 0 else self.since - days
        return replace(self, since=since, until=self.since, label=f"before {self.label}")

    def year_ago(self) -> Period:
        """The same period one year earlier."""
        if self.since is None or self.until is None:
            return self
        year = relativedelta(years=1)
        return replace(self, since=self.since - year, until=self.until - year, label=f"a year before {self.label}")


@dataclass(frozen=True)
class TimeWords:
    """What a question says of time: its periods, the grain of a breakdown ("by month") with its characters, and
    whether it compares with the `previous` period or the same one a `year` ago."""

    periods: tuple[Period, ...] = ()
    grain: Grain | None = None
    grain_span: tuple[int, int] = (0, 0)
    compare: str = ""
    compare_span: tuple[int, int] = (0, 0)


def first_of(unit: str, day: dt.date, fiscal: int) -> dt.date:
    """The first day of the unit that holds `day`."""
    if unit == "week":
        return day - dt.timedelta(days=day.weekday())
    if unit == "month":
        return day.replace(day=1)
    if unit == "quarter":
        back = (day.month - fiscal) % 3
        return day.replace(day=1) - relativedelta(months=back)
    if unit == "year":
        return dt.date(day.year, 1, 1)
    if unit == "fiscal year":
        start = dt.date(day.year, fiscal, 1)
        return start if start <= day else start - relativedelta(years=1)
    return day


def step_of(unit: str, count: int) -> relativedelta:
    """`count` units as a delta."""
    return {
        "day": relativedelta(days=count), "week": relativedelta(weeks=count), "month": relativedelta(months=count),
        "quarter": relativedelta(months=3 * count), "year": relativedelta(years=count),
        "fiscal year": relativedelta(years=count),
    }[unit]  # fmt: skip


def read_time(question: str, today: dt.date, fiscal_year_start: int = 1) -> TimeWords:
    """Everything that `question` says of time."""
    text = question.lower()
    compare, compare_span = _comparison(text)
    masked = text[: compare_span[0]] + " " * (compare_span[1] - compare_span[0]) + text[compare_span[1] :]
    grain, grain_span = _grain(masked)
    masked = masked[: grain_span[0]] + " " * (grain_span[1] - grain_span[0]) + masked[grain_span[1] :]
    periods = _combined(masked, _atoms(masked, today, fiscal_year_start))
    return TimeWords(tuple(periods), grain, grain_span, compare, compare_span)


def _comparison(text: str) -> tuple[str, tuple[int, int]]:
    match = re.search(
        r"\b(?:compared?(?: (?:to|with))?|versus|vs\.?|against|relative to|over)\s+(?:the\s+)?"
        r"(?:(?:previous|prior|last|preceding) (?:quarter|month|year|week|period)|(?:one|the"
        r" period|same period)? ?before)",
        text,
    )
    if match and not match.group().startswith("over"):
        kind = "year" if match.group().endswith("year") else "previous"
        return kind, match.span()
    match = re.search(
        r"\b(?:year[- ](?:over|on)[- ]year|yoy|(?:compared (?:to|with) )?(?:the )?same \w+ (?:of )?last year)\b", text
    )
    if match:
        return "year", match.span()
    match = re.search(r"\b(?:quarter|month|week)[- ](?:over|on)[- ](?:quarter|month|week)\b|\bqoq\b|\bmom\b", text)
    return ("previous", match.span()) if match else ("", (0, 0))


def _grain(text: str) -> tuple[Grain | None, tuple[int, int]]:
    match = re.search(
        rf"\b(?:by|per|each|every|for each|for every|in each)\s+(?:calendar )?({_UNIT})\b(?! (?:of|to))", text
    )
    match = match or re.search(rf"\b({_UNIT})[- ]by[- ]{_UNIT}\b|\b(?:in )?which ({_UNIT})\b", text)
    if match:
        start = match.start()
        unit = next(g for g in match.groups() if g)
        return unit, (start, match.end())  # type: ignore[return-value]
    match = re.search(rf"\b(?:by|per|for each) (?:[a-z]+ ){{1,3}}(and (?:by |per )?({_UNIT}))\b(?! (?:of|to|\d))", text)
    if match:  # "per region and quarter"
        return match.group(2), match.span(1)  # type: ignore[return-value]
    match = re.search(r"\b(" + "|".join(_GRAINS) + r")\b", text)
    if match:
        return _GRAINS[match.group(1)], match.span()
    match = re.search(r"\bover time\b|\btrend(?:s|ed|ing)?(?: of| in)?\b|\bdevelop(?:ed|ment) over\b", text)
    return ("month", match.span()) if match else (None, (0, 0))


def _count(text: str) -> int:
    if text in ("a few", "few"):
        return 3
    return 2 if text == "couple of" else int(NUMBER_WORDS.get(text, 0) or (int(text) if text.isdigit() else 1))


def _atoms(text: str, today: dt.date, fiscal: int) -> list[Period]:
    """The plain periods of the text, left to right, none inside another."""
    found: list[Period] = []
    taken = [False] * (len(text) + 1)

    def add(match: re.Match[str], since: dt.date | None, until: dt.date | None, unit: str) -> None:
        start, end = match.span()
        if since is not None and until is not None and not any(taken[start:end]):
            found.append(Period(start, end, since, until, match.group().strip(), unit))
            taken[start:end] = [True] * (end - start)

    for match in re.finditer(r"\b(\d{4})-(\d{1,2})-(\d{1,2})\b(?:[ t]\d\d:\d\d(?::\d\d)?)?", text):
        day = _day(int(match[1]), int(match[2]), int(match[3]))
        add(match, day, day and day + dt.timedelta(1), "day")
    for match in re.finditer(
        rf"\b(?:(\d{{1,2}})(?:st|nd|rd|th)?(?: of)? ({_MONTH}),? (\d{{4}})|({_MONTH}) (\d{{1,2}}"
        rf")(?:st|nd|rd|th)?,? (\d{{4}}))\b",
        text,
    ):
        name, number, year = (match[2], match[1], match[3]) if match[2] else (match[4], match[5], match[6])
        day = _day(int(year), MONTHS[name.strip(".")], int(number))
        add(match, day, day and day + dt.timedelta(1), "day")
    for match in re.finditer(r"\b(\d{1,2})[/.](\d{1,2})[/.](\d{4})\b", text):
        day = _day(int(match[3]), int(match[1]), int(match[2])) or _day(int(match[3]), int(match[2]), int(match[1]))
        add(match, day, day and day + dt.timedelta(1), "day")
    for match in re.finditer(rf"\b({_MONTH})(?: of)?,? (\d{{4}})\b|\b(\d{{4}})-(\d{{2}})\b(?!-)", text):
        month = MONTHS[match[1].strip(".")] if match[1] else int(match[4])
        first = _day(int(match[2] or match[3]), month, 1)
        add(match, first, first and first + relativedelta(months=1), "month")
    pair = rf"\b({_MONTH}),? (?:and|to|through|until|or|-) (?:the end of )?{_MONTH}(?: of)?,? (\d{{4}})\b"
    for match in re.finditer(pair, text):  # the year stands once, behind the second month
        first = _day(int(match[2]), MONTHS[match[1].strip(".")], 1)
        inner = re.compile(re.escape(match[1])).search(text, match.start())
        if inner and first:
            add(inner, first, first + relativedelta(months=1), "month")
    _quarters(text, today, fiscal, add)
    _relative(text, today, fiscal, add)
    for match in re.finditer(
        r"\b(?:(?:in|during|of|since|before|after|from|to|until|till|by|between|and|year|for"
        r"|through)(?: the)?(?: calendar)?(?: year)? )(\d{4})\b(?!\s*[%$€]|,\d| dollars|"
        r" (?:[a-z]+ )?units)|^(\d{4})\b|\b(20[0-3]\d) (?=[a-z])",
        text,
    ):
        number = match[1] or match[2] or match[3]
        counted = match[3] and re.search(
            r"\b(?:over|than|above|below|under|least|most|top|with|about|is|are)\s+$", text[: match.start()]
        )
        if 1800 <= int(number) <= 2100 and not counted:
            inner = re.compile(number).search(text, match.start())
            if inner:
                add(inner, dt.date(int(number), 1, 1), dt.date(int(number) + 1, 1, 1), "year")
    for year in [p for p in found if p.unit == "year"]:
        more = re.match(r"\s*(?:,|or|and|, ?and|, ?or)\s+(\d{4})\b", text[year.end :])
        if more and 1800 <= int(more[1]) <= 2100:
            inner = re.compile(more[1]).search(text, year.end)
            if inner:
                add(inner, dt.date(int(more[1]), 1, 1), dt.date(int(more[1]) + 1, 1, 1), "year")
    for match in re.finditer(rf"\b(?:in|during|since|before|after|until|of|for|last|this) ({_MONTH})(?! \d)", text):
        first = dt.date(today.year, MONTHS[match[1].strip(".")], 1)
        first = first if first <= today else first - relativedelta(years=1)
        inner = re.compile(re.escape(match[1])).search(text, match.start())
        if inner and not (match[1] == "may" and match.group().startswith(("of", "for"))):
            add(inner, first, first + relativedelta(months=1), "month")
    return sorted(found, key=lambda p: p.start)


def _quarters(text: str, today: dt.date, fiscal: int, add: Callback) -> None:
    pattern = r"\b(?:q([1-4])|(first|second|third|fourth|1st|2nd|3rd|4th) quarter)(?: of)?(?:,? ?(?:fy ?)?(\d{4}))?\b"
    for match in re.finditer(pattern, text):
        number = int(match[1]) if match[1] else _ORDINALS[match[2]]
        year = int(match[3]) if match[3] else first_of("fiscal year", today, fiscal).year + (fiscal > 1)
        begin = dt.date(year - (fiscal > 1), fiscal, 1) + relativedelta(months=3 * (number - 1))
        if not match[3] and begin > today:
            begin -= relativedelta(years=1)
        add(match, begin, begin + relativedelta(months=3), "quarter")
    for match in re.finditer(r"\b(?:fy ?|fiscal year )(\d{4})\b", text):
        begin = dt.date(int(match[1]) - (fiscal > 1), fiscal, 1)
        add(match, begin, begin + relativedelta(years=1), "year")


def _relative(text: str, today: dt.date, fiscal: int, add: Callback) -> None:
    one = dt.timedelta(1)
    for match in re.finditer(
        rf"\b(?:last|past|previous|prior|trailing) ({_NUM}) (?:full |complete |calendar )?({_UNIT})s?\b", text
    ):
        add(match, today - step_of(match[2], _count(match[1])), today + one, match[2])
    for match in re.finditer(
        rf"\b(?:next|coming|following) ({_NUM}) ({_UNIT})s?\b|\bwithin (?:the )?({_NUM}) ({_UNIT})s?\b", text
    ):
        add(match, today, today + step_of(match[2] or match[4], _count(match[1] or match[3])) + one, "day")
    _ages(text, today, add)
    for match in re.finditer(rf"\bfor (more|less|longer|over|fewer)(?: than)? ({_NUM}) ({_UNIT})s?\b", text):
        day = today - step_of(match[3], _count(match[2]))
        down = match[1] in ("less", "fewer")
        add(match, day if down else dt.date.min, today + one if down else day, "open")
    for match in re.finditer(rf"\b({_NUM}) ({_UNIT})s? ago\b", text):
        day = today - step_of(match[2], _count(match[1]))
        add(match, first_of(match[2], day, fiscal), first_of(match[2], day, fiscal) + step_of(match[2], 1), match[2])
    for match in re.finditer(
        r"\b(?:year|month|quarter)[- ]to[- ]date\b|\bytd\b|\bmtd\b|\bqtd\b|\bso far this (?:year|month|quarter)\b", text
    ):
        unit = next((u for u in ("year", "month", "quarter") if u in match.group()), "")
        unit = unit or {"y": "year", "m": "month", "q": "quarter"}[match.group()[0]]
        add(match, first_of(unit, today, fiscal), today + one, unit)
    pattern = (
        rf"\b(?:(this|current|the current|last|previous|prior|past|next|coming|upcoming) )(fiscal"
        rf" year|calendar year|{_UNIT})\b(?!s)"
    )
    for match in re.finditer(pattern, text):
        unit = "year" if match[2] == "calendar year" else match[2]
        begin = first_of(unit, today, fiscal)
        if match[1] == "past":
            add(match, today - step_of(unit, 1), today + one, unit)
            continue
        shift = {"last": -1, "previous": -1, "prior": -1, "next": 1, "coming": 1, "upcoming": 1}.get(match[1], 0)
        begin += step_of(unit, shift)
        add(match, begin, begin + step_of(unit, 1), unit)
    for word, shift in (("today", 0), ("yesterday", -1), ("tomorrow", 1)):
        for match in re.finditer(rf"\b{word}\b", text):
            add(match, today + shift * one, today + (shift + 1) * one, "day")


def _ages(text: str, today: dt.date, add: Callback) -> None:
    """ "Older than 30 days", "less than two weeks old"; and "more than 30 days overdue", which is since a due date.
    Years are left to persons, whose age is a column."""
    short, many = r"(day|week|month|quarter)", rf"({_NUM}|an?)"
    for pattern, unit in (
        (rf"\b(older|newer|younger) than {many} {short}s?\b", "open"),
        (rf"\b(more|longer|less|fewer) than {many} {short}s? (?:old|ago)\b", "open"),
        (rf"\b(more|longer|less|fewer) than {many} {short}s?(?= (?:overdue|past due)\b)", DUE),
        (rf"(?<=overdue )(?:for |by |since )?(more|longer|less|fewer) than {many} {short}s?\b", DUE),
    ):
        for match in re.finditer(pattern, text):
            day = today - step_of(match[3], _count(match[2]))
            since = match[1] in ("newer", "younger", "less", "fewer")
            add(match, day if since else dt.date.min, today + dt.timedelta(1) if since else day, unit)


def _combined(text: str, atoms: list[Period]) -> list[Period]:
    """Apply "since", "before", "between ... and ..." to the atoms."""
    out: list[Period] = []
    i = 0
    while i < len(atoms):
        atom = atoms[i]
        before = text[: atom.start]
        if i + 1 < len(atoms):
            gap = text[atom.end : atoms[i + 1].start]
            opening = re.search(r"\b(?:between|from|since)(?: the)?(?: years?)?\s*$", before)
            if opening and re.fullmatch(r"\s*(?:to|and|until|till|through|up to|-|–)(?: the)?\s*", gap):
                last = atoms[i + 1]
                out.append(
                    Period(
                        opening.start(), last.end, atom.since, last.until, text[opening.start() : last.end], atom.unit
                    )
                )
                i += 2
                continue
        if atom.unit in ("open", DUE):
            out.append(replace(atom, since=None if atom.since == dt.date.min else atom.since))
            i += 1
            continue
        after = re.match(
            r"\s*(?:or|and) (?:(later|after|newer|onwards?)|(?:earlier|before|older))\b(?!\s+\d)", text[atom.end :]
        )
        made = _prefixed(before, atom)
        if after:
            bounds = (atom.since, None) if after[1] else (None, atom.until)
            made = replace(made, end=atom.end + after.end(), since=bounds[0], until=bounds[1])
        out.append(made)
        i += 1
    return out


def _prefixed(before: str, atom: Period) -> Period:
    for pattern, since, until in (
        (r"\b(?:since|starting (?:from|in)|from|on or after|as of|no earlier than)", atom.since, None),
        (r"\b(?:after|later than|following)", atom.until, None),
        (r"\b(?:before|prior to|earlier than)", None, atom.since),
        (r"\b(?:until|till|up to|through|by|no later than|on or before)", None, atom.until),
    ):
        match = re.search(pattern + r"(?: the)?(?: year| start of| beginning of| end of)?\s*$", before)
        if match:
            return replace(
                atom, start=match.start(), since=since, until=until, label=f"{match.group().strip()} {atom.label}"
            )
    match = re.search(r"\b(?:in|during|of|for|on|over|within|throughout|at)?(?: the)?(?: year)?\s*$", before)
    return replace(atom, start=match.start()) if match and match.group().strip() else atom


def _day(year: int, month: int, day: int) -> dt.date | None:
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None


class Callback(Protocol):
    """The signature of the collector that `_atoms` hands to its helpers."""

    def __call__(self, match: re.Match[str], since: dt.date | None, until: dt.date | None, unit: str) -> None:
        """Keep a period found by `match`."""
