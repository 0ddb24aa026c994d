"""Dates and times in the forms that exports mix, as `date` and naive UTC `datetime` values."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass

_ENGLISH = ("january february march april may june july august september october november december").split()
_OTHERS = {
    "januar": 1, "jänner": 1, "februar": 2, "märz": 3, "maerz": 3, "mai": 5, "juni": 6, "juli": 7, "oktober": 10,
    "okt": 10, "dezember": 12, "dez": 12, "sept": 9, "mär": 3, "janvier": 1, "février": 2, "mars": 3, "avril": 4,
    "juin": 6, "juillet": 7, "août": 8, "septembre": 9, "octobre": 10, "novembre": 11, "décembre": 12, "enero": 1,
    "febrero": 2, "marzo": 3, "abril": 4, "mayo": 5, "junio": 6, "julio": 7, "agosto": 8, "septiembre": 9,
    "octubre": 10, "noviembre": 11, "diciembre": 12,
}  # fmt: skip
_MONTHS = (
    {name: n for n, name in enumerate(_ENGLISH, 1)} | {name[:3]: n for n, name in enumerate(_ENGLISH, 1)} | _OTHERS
)
_TIME = (
    r"(?:[T,]?\s*(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?\s*(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2}|[+-]\d{2})?)?\s*\Z"
)
_YEAR_FIRST = re.compile(r"\s*(?P<year>\d{4})([-/.])(?P<month>\d{1,2})\2(?P<day>\d{1,2})" + _TIME)
_NUMERIC = re.compile(
    r"\s*(?P<first>\d{1,2})(?P<mark>[-/.])\s?(?P<second_>\d{1,2})(?P=mark)\s?(?P<year>\d{4}|\d{2})" + _TIME
)
_DAY_NAME = re.compile(
    r"\s*(?:[^\W\d_]{2,10}\.?,\s*)?(?P<day>\d{1,2})(?:st|nd|rd|th|\.)?[\s-]*(?P<name>[^\W\d_]{3,10})\.?,?[\s-]*(?P<year>\d{4}|\d{2})"
    + _TIME
)
_NAME_DAY = re.compile(
    r"\s*(?:[^\W\d_]{2,10}\.?,\s*)?(?P<name>[^\W\d_]{3,10})\.?\s*(?P<day>\d{1,2})(?:st|nd|rd|th)?,?\s*(?P<year>\d{4})"
    + _TIME
)
_COMPACT = re.compile(r"\s*(?P<year>(?:19|20)\d{2})(?P<month>\d{2})(?P<day>\d{2})" + _TIME)


@dataclass(frozen=True)
class DateOrder:
    """How the numbers of `03/04/2026` are meant, by the mark between them: True where the day comes first."""

    slash: bool = False
    dash: bool = True
    dot: bool = True

    def day_first(self, mark: str) -> bool:
        """True where the day comes first between marks of that kind."""
        return {"/": self.slash, "-": self.dash, ".": self.dot}[mark]


def date_order(values: Iterable[object]) -> DateOrder:
    """What the unambiguous values of a column say about the order of day and month; by majority where they differ."""
    votes = {"/": 0, "-": 0, ".": 0}
    for value in values:
        found = _NUMERIC.match(value) if isinstance(value, str) else None
        if found:
            first, second = int(found["first"]), int(found["second_"])
            votes[found["mark"]] += (first > 12 >= second) - (second > 12 >= first)
    default = DateOrder()
    decided = {mark: vote > 0 if vote else default.day_first(mark) for mark, vote in votes.items()}
    return DateOrder(decided["/"], decided["-"], decided["."])


def parse_moment(value: object, order: DateOrder, *, loose: bool = False) -> dt.date | dt.datetime:
    """A `date`, or a naive `datetime` in UTC where the value has a time. `ValueError` where it is neither.

    `loose` also takes `20260304` and seconds or milliseconds since 1970.
    """
    if isinstance(value, dt.datetime):
        return _utc(value)
    if isinstance(value, dt.date):
        return value
    if loose and isinstance(value, int | float) and not isinstance(value, bool):
        return _epoch(value)
    if not isinstance(value, str):
        raise ValueError("not a date")
    if len(value) >= 10 and value[4] == "-" == value[7] and (quick := _iso(value)) is not None:
        return quick
    found = _YEAR_FIRST.match(value)
    if found:
        return _moment(found, int(found["year"]), int(found["month"]), int(found["day"]))
    if found := _NUMERIC.match(value):
        first, second = int(found["first"]), int(found["second_"])
        day, month = (first, second) if order.day_first(found["mark"]) else (second, first)
        if month > 12 >= day:
            day, month = month, day
        return _moment(found, _year(found["year"]), month, day)
    if found := _DAY_NAME.match(value) or _NAME_DAY.match(value):
        named = _MONTHS.get(found["name"].lower())
        if named is None:
            raise ValueError("not a month")
        return _moment(found, _year(found["year"]), named, int(found["day"]))
    if loose and (found := _COMPACT.match(value)):
        return _moment(found, int(found["year"]), int(found["month"]), int(found["day"]))
    raise ValueError("not a date")


def _iso(value: str) -> dt.date | dt.datetime | None:
    """A date or time as ISO writes it, which most systems do, in a fifth of the time; None for anything else."""
    try:
        if len(value) == 10:
            return dt.date.fromisoformat(value)
        return _utc(dt.datetime.fromisoformat(value)) if value[10] in "T " and value[13:14] == ":" else None
    except ValueError:
        return None


def _moment(found: re.Match[str], year: int, month: int, day: int) -> dt.date | dt.datetime:
    if found["hour"] is None:
        return dt.date(year, month, day)
    hour = int(found["hour"])
    if half := (found["half"] or "").lower()[:1]:
        if not 1 <= hour <= 12:
            raise ValueError("not a time")
        hour = hour % 12 + (12 if half == "p" else 0)
    micro = int((found["fraction"] or "0")[:6].ljust(6, "0"))
    moment = dt.datetime(year, month, day, hour, int(found["minute"]), int(found["second"] or 0), micro)
    return _utc(moment.replace(tzinfo=_zone(found["zone"])))


def _zone(text: str | None) -> dt.timezone | None:
    if not text:
        return None
    if text in ("Z", "UTC", "GMT"):
        return dt.UTC
    digits = text[1:].replace(":", "").ljust(4, "0")
    offset = dt.timedelta(hours=int(digits[:2]), minutes=int(digits[2:4]))
    return dt.timezone(-offset if text[0] == "-" else offset)


def _utc(moment: dt.datetime) -> dt.datetime:
    if moment.tzinfo is None and not moment.microsecond:
        return moment
    if moment.tzinfo not in (None, dt.UTC):
        moment = moment.astimezone(dt.UTC)
    return moment.replace(tzinfo=None, microsecond=0)


def _epoch(value: int | float) -> dt.datetime:
    seconds = value / 1000 if abs(value) >= 1e11 else float(value)
    if not 0 < seconds < 5e9:
        raise ValueError("not seconds since 1970")
    return dt.datetime.fromtimestamp(seconds, dt.UTC).replace(tzinfo=None, microsecond=0)


def _year(text: str) -> int:
    year = int(text)
    if len(text) == 2:
        return year + (2000 if year < 70 else 1900)
    return year
