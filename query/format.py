"""How values are written: money, dates, percents, numbers; and the check that a text writes a value.

A *style* names a way of writing (`money:EUR`, `date`, `percent`, ...). `write` makes the text of a value,
`writes` says whether a text could have been made from it, which is what the checker of answers relies on.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation

from index.sql import Value

SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
NUMBER = re.compile(r"[-+−]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?")
_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?")
_WIDE = Context(prec=800)  # any double, to any of its decimals
_LONG_DATE = re.compile(rf"(\d{{1,2}}) ({'|'.join(MONTHS)}) (\d{{4}})")


def as_decimal(value: Value) -> Decimal | None:
    """`value` as an exact number, or None when it is not one (booleans, texts and dates are not)."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, Decimal):
        return value if value.is_finite() else None
    if isinstance(value, int):
        return Decimal(value)
    if isinstance(value, float):
        number = Decimal(repr(value))
        return number if number.is_finite() else None
    return None


def as_date(value: Value) -> dt.date | None:
    """`value` as a day: a date, a datetime or an ISO text; else None."""
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    if isinstance(value, str) and (found := _ISO.fullmatch(value.strip())):
        try:
            return dt.date(int(found[1]), int(found[2]), int(found[3]))
        except ValueError:
            return None
    return None


def date(value: Value) -> str:
    """`30 June 2026`; an empty text for what is not a day."""
    day = as_date(value)
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}" if day else ""


def day(value: Value) -> str:
    """`30 June`, for sentences in which the year is plain; an empty text for what is not a day."""
    found = as_date(value)
    return f"{found.day} {MONTHS[found.month - 1]}" if found else ""


def number(value: Value, decimals: int | None = None) -> str:
    """`1,234.5`: thousands separated, at most two decimals unless `decimals` fixes them; empty if no number.

    What two decimals would round to nothing keeps three digits that count: `0.00123`.
    """
    exact = as_decimal(value)
    if exact is None:
        return ""
    small = exact != 0 and abs(exact) < Decimal("0.1")
    rounded = round_half_up(exact, (2 - exact.adjusted() if small else 2) if decimals is None else decimals)
    if decimals is None and rounded == rounded.to_integral_value():
        rounded = rounded.quantize(Decimal(1), context=_WIDE)
    text = f"{rounded:,f}"
    return text.rstrip("0").rstrip(".") if decimals is None and "." in text else text


def money(value: Value, currency: str = "") -> str:
    """`€12,340`, `$99.50`, `CHF 1,200`: exact to the cent, cents left out where they are zero."""
    exact = as_decimal(value)
    if exact is None:
        return ""
    cents = round_half_up(abs(exact), 2)
    text = f"{cents:,.0f}" if cents == cents.to_integral_value() else f"{cents:,.2f}"
    sign = "-" if exact < 0 and cents else ""
    code = currency.strip().upper()
    if code in SYMBOLS:
        return f"{sign}{SYMBOLS[code]}{text}"
    return f"{sign}{code} {text}" if code else f"{sign}{text}"


def percent(value: Value, decimals: int = 0) -> str:
    """A fraction as a percentage: `38%` of 0.38."""
    exact = as_decimal(value)
    return "" if exact is None else f"{_trim(round_half_up(exact * 100, decimals))}%"


def points(value: Value, decimals: int = 0) -> str:
    """A number that already counts percents: `38%` of 38."""
    exact = as_decimal(value)
    return "" if exact is None else f"{_trim(round_half_up(exact, decimals))}%"


def fall(value: Value) -> str:
    """How much something fell, of a negative fraction: `38%` of -0.38; empty when it did not fall by a percent."""
    exact = as_decimal(value)
    return percent(-exact) if exact is not None and exact <= Decimal("-0.01") else ""


def rise(value: Value) -> str:
    """How much something rose, of a positive fraction: `38%` of 0.38; empty when it did not rise by a percent."""
    exact = as_decimal(value)
    return percent(exact) if exact is not None and exact >= Decimal("0.01") else ""


def positive(value: Value) -> str:
    """A number that is worth a sentence: empty at zero and below."""
    exact = as_decimal(value)
    return number(value) if exact is not None and exact > 0 else ""


def text(value: Value) -> str:
    """A text on one line, without space around it; other values as `auto` writes them."""
    return " ".join(value.split()) if isinstance(value, str) else auto(value)


def lower(value: Value) -> str:
    """A text in lower case, for the middle of a sentence."""
    return text(value).lower()


def first(value: Value) -> str:
    """The first name of a person: the first word of its name, titles left out."""
    words = [w for w in text(value).split() if w.rstrip(".").casefold() not in _TITLES]
    return words[0] if words else ""


_TITLES = {"mr", "mrs", "ms", "dr", "prof", "herr", "frau", "mme"}


def auto(value: Value, unit: str = "") -> str:
    """The plain way to write a value of `unit` (a currency code, `%`, `fraction`, or a word that is left out)."""
    if value is None or isinstance(value, bytes):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if as_date(value) is not None:
        return date(value)
    if as_decimal(value) is not None:
        if unit == "%":
            return points(value, 1)
        if unit == "fraction":
            return percent(value, 1)
        return money(value, unit) if is_currency(unit) else number(value)
    return text(value)


def is_currency(unit: str) -> bool:
    """True for an upper-case ISO currency code such as EUR."""
    return len(unit) == 3 and unit.isalpha() and unit.isupper()


STYLES: dict[str, Callable[[Value], str]] = {
    "auto": auto, "text": text, "lower": lower, "first": first, "date": date, "day": day, "number": number,
    "int": lambda v: number(v, 0), "percent": percent, "points": points, "fall": fall, "rise": rise,
    "positive": positive, "money": money,
}  # fmt: skip


def write(value: Value, style: str = "auto") -> str:
    """`value` in `style`, which may carry an argument (`money:EUR`, `number:1`, `percent:1`, `auto:EUR`), and a
    language behind an `@` (`date@de`).

    Raises KeyError for a style that does not exist. An empty text means that there is nothing to write.
    """
    style, _, language = style.partition("@")
    if language:
        from query.drafts.localise import localised

        return localised(write(value, style), value, style, language)
    name, _, argument = style.partition(":")
    if name in ("money", "auto") and argument:
        return money(value, argument) if name == "money" else auto(value, argument)
    if name in ("number", "percent", "points") and argument:
        decimals = int(argument)
        return {"number": number, "percent": percent, "points": points}[name](value, decimals)
    return STYLES[name](value)


def writes(written: str, value: Value) -> bool:
    """True when `written` is a way to write `value`: the same date, the number to its own precision, or the text.

    A number may carry a currency, a percent sign (then the value may be a fraction) and a word of unit; a text may
    be shortened to whole words of itself.
    """
    written = written.strip()
    if not written or value is None:
        return False
    if isinstance(value, bool):
        return written.casefold() in ({"yes", "true"} if value else {"no", "false"})
    if (found := as_date(value)) is not None:
        return written in (date(value), day(value), found.isoformat(), str(value)) or parse_date(written) == found
    exact = as_decimal(value)
    if exact is None:
        return isinstance(value, str) and _part_of(written, text(value))
    return _writes_number(written, exact)


def _writes_number(written: str, exact: Decimal) -> bool:
    found = NUMBER.findall(written)
    if len(found) != 1:
        return False
    shown = parse_number(found[0])
    if shown is None:
        return False
    decimals = max(0, -int(shown.as_tuple().exponent))
    wanted = {round_half_up(exact, decimals)}
    if "%" in written:
        wanted |= {round_half_up(exact * 100, decimals), round_half_up(-exact * 100, decimals)}
    if re.match(r"-[^\d\s]", written):  # -€5: the sign stands before the symbol
        shown = -shown
    return shown in wanted


def parse_number(written: str) -> Decimal | None:
    """The number that a text such as `1,234.50` writes, or None."""
    try:
        return Decimal(written.replace(",", "").replace("−", "-").lstrip("+"))
    except InvalidOperation:
        return None


def parse_date(written: str) -> dt.date | None:
    """The day that `30 June 2026` or `2026-06-30` writes, or None."""
    if found := _LONG_DATE.fullmatch(written.strip()):
        try:
            return dt.date(int(found[3]), MONTHS.index(found[2]) + 1, int(found[1]))
        except ValueError:
            return None
    return as_date(written)


def round_half_up(value: Decimal, decimals: int) -> Decimal:
    """`value` rounded the way people round: half away from zero."""
    return value.quantize(Decimal(1).scaleb(-decimals, _WIDE), rounding=ROUND_HALF_UP, context=_WIDE)


def _trim(value: Decimal) -> str:
    text_ = f"{value:,f}"
    return text_.rstrip("0").rstrip(".") if "." in text_ else text_


def _part_of(written: str, whole: str) -> bool:
    pattern = r"(?<!\w)" + re.escape(" ".join(written.split()).casefold()) + r"(?!\w)"
    return re.search(pattern, whole.casefold()) is not None
