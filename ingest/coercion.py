"""The type of a column from all its values, and every value brought to it."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from index.catalogue.model import ColumnType
from index.store.tables import Cell
from ingest.dates import DateOrder, date_order, parse_moment
from ingest.readers.clean import clean

NULLS = frozenset({"", "na", "n/a", "#n/a", "null", "-", "--", "nan", "\\n"})
_TRUE = frozenset({"true", "yes", "y", "t", "1", "on"})
_FALSE = frozenset({"false", "no", "n", "f", "0", "off"})
_TOLERATED = 0.02  # so many misfits go to quarantine rather than make a column of numbers a column of text
_ENOUGH = 50
_CODE_NAME = re.compile(
    r"(?:^|_)(?:phone|fax|mobile|zip|postal|postcode|plz|iban|bic|card|ean|gtin|upc|barcode|ssn|vat|tax_number)(?:_|$)"
)
_ID_NAME = re.compile(r"(?:^|_)(?:id|key|code|number|no|nr|sku|ref|reference)$")
_DATE_NAME = re.compile(r"(?:date|day|time|stamp|_at$|_on$|since|until|due|created|updated|modified|start|end|expir)")
_BOOLEAN_WORDS = frozenset({"true", "false", "yes", "no"})
_CODE = re.compile(r"\s*(?:0\d|\+\d)")  # 00123 and +49
_INTEGER = re.compile(r"[+-]?\d{1,18}\Z")
_NUMBER = re.compile(r"(?P<sign>[+-]?)(?P<digits>\d[\d.,' \u00a0\u202f]*|[.,]\d+)(?P<exponent>[eE][+-]?\d{1,3})?\Z")
_SPACED = re.compile(r"[' \u00a0\u202f]")
_GROUPED = re.compile(r"\d{1,3}(?:[' \u00a0\u202f]\d{3})+(?:[.,]\d+)?")
_CURRENCY = re.compile(r"^(?:[A-Z]{3}\s|[$€£¥₹]|CHF|US\$)\s*|\s*(?:[A-Z]{3}|[$€£¥₹%])$")
_KINDS: tuple[ColumnType, ...] = ("boolean", "integer", "number", "date")
_DATES: tuple[ColumnType, ...] = ("date",)
_MAX_INTEGER = 2**63 - 1


def is_null(value: object) -> bool:
    """True for what exports write where there is nothing."""
    kind = value.__class__  # asked for every cell of every row, and these four are what cells are
    if kind is str:
        return len(value) <= 8 and value.strip().lower() in NULLS  # type: ignore[arg-type,attr-defined]
    if kind is int or kind is bool:
        return False
    return (
        value is None
        or (isinstance(value, float) and math.isnan(value))
        or (isinstance(value, str) and is_null(str(value)))
    )


@dataclass(frozen=True)
class Misfit:
    """Stands for a value that does not fit its column's type."""

    reason: str


class ColumnCoercer:
    """Brings the values of one column to its type, each distinct one only once.

    `type` is the declared type, else the one that the values have (of `textual` values only a date, or text);
    `fallback` is the type of no values at all.
    """

    def __init__(
        self,
        name: str,
        values: Sequence[Any],
        *,
        declared: ColumnType | None = None,
        fallback: ColumnType = "text",
        textual: bool = False,
    ) -> None:
        self.name = name
        self._values = values
        self._classes = frozenset(map(type, values)) - {type(None)}
        self._kinds = _DATES if textual else (*_DATES, *_KINDS) if _DATE_NAME.search(name) else _KINDS
        self.type: ColumnType = declared or self._inferred(fallback)

    def cells(self) -> list[Cell | Misfit]:
        """Every value in the column's type, in order: None for nothing, `Misfit` for what does not fit."""
        if self._need_nothing():
            return list(self._values)
        if self._classes == {str} and self.type == "text":
            # Most texts are long enough to say something and have nothing in them that is cleaned away.
            texts: dict[str, Cell | Misfit] = {
                v: v if v and len(v) > 8 and v.isascii() and v.isprintable() and v[0] != " " != v[-1] else self._cell(v)
                for v in set(self._values)
            }
            return [texts[value] for value in self._values]
        if len(self._classes) <= 1:
            known = {value: self._cell(value) for value in set(self._values)}
            return [known[value] for value in self._values]
        by_kind = {(value.__class__, value): self._cell(value) for value, _ in self._counts}
        return [by_kind[value.__class__, value] for value in self._values]

    def misfits(self) -> int:
        """How many values do not fit."""
        return sum(times for value, times in self._counts if isinstance(self._cell(value), Misfit))

    def _cell(self, value: Any) -> Cell | Misfit:
        if is_null(value) and not (value == "NA" and self._keeps_na):
            return None
        try:
            return _COERCERS[self.type](value, self)
        except (ValueError, OverflowError) as error:
            return Misfit(str(error))

    def _need_nothing(self) -> bool:
        """True where the values came in the column's own type, as a database gives them."""
        if self._classes == {bool}:
            return self.type == "boolean"
        if self._classes == {int}:
            return self.type == "integer" and max(map(abs, filter(None, self._values)), default=0) <= _MAX_INTEGER
        if self._classes == {float}:
            return self.type == "number" and all(map(math.isfinite, filter(None, self._values)))
        return False

    @cached_property
    def _counts(self) -> list[tuple[Any, int]]:
        """Distinct values with how often they stand there; `True`, `1` and `1.0` are equal, and told apart."""
        if len(self._classes) <= 1:
            return list(Counter(self._values).items())
        counted: Counter[tuple[type, Any]] = Counter((value.__class__, value) for value in self._values)
        return [(value, times) for (_, value), times in counted.items()]

    @cached_property
    def _keeps_na(self) -> bool:
        return self.type == "text" and _are_codes([value for value, _ in self._counts if not is_null(value)])

    @cached_property
    def order(self) -> DateOrder:
        """How the dates of this column put day and month."""
        return date_order(value for value, _ in self._counts)

    @cached_property
    def comma(self) -> bool:
        """True where this column writes 1.234,50."""
        return _decimal_comma(value for value, _ in self._counts)

    def _inferred(self, fallback: ColumnType) -> ColumnType:
        real = [(value, times) for value, times in self._counts if not is_null(value)]
        return self._infer(real) if real else fallback

    def _infer(self, real: list[tuple[Any, int]]) -> ColumnType:
        total = sum(times for _, times in real)
        native = _native_type(real)
        if native is not None:
            return native
        strict = bool(_ID_NAME.search(self.name)) or total < _ENOUGH
        allowed = 0 if strict else int(total * _TOLERATED)
        for kind in self._kinds:
            if self._fits(kind, real, allowed):
                return self._with_time(real) if kind == "date" else kind
        return "text"

    def _fits(self, kind: ColumnType, real: list[tuple[Any, int]], allowed: int) -> bool:
        if kind == "boolean" and not _are_boolean_words(real):
            return False
        missed = 0
        for value, times in real:
            if not self._looks_like(kind, value):
                missed += times
                if missed > allowed:
                    return False
        return True

    def _looks_like(self, kind: ColumnType, value: Any) -> bool:
        if kind in ("integer", "number") and (isinstance(value, bool) or _CODE_NAME.search(self.name)):
            return False
        try:
            if kind == "date":
                loose = isinstance(value, str) and bool(_DATE_NAME.search(self.name))
                parse_moment(value, self.order, loose=loose)
            elif isinstance(value, str) and _CODE.match(value):
                return False
            else:
                _COERCERS[kind](value, self)
        except (ValueError, OverflowError):
            return False
        return True

    def _with_time(self, real: list[tuple[Any, int]]) -> ColumnType:
        for value, _ in real:
            try:
                moment = parse_moment(value, self.order)
            except ValueError:
                continue
            if isinstance(moment, dt.datetime) and moment.time() != dt.time():
                return "datetime"
        return "date"


def _are_boolean_words(real: list[tuple[Any, int]]) -> bool:
    """True where every value is a word for true or false; single letters only where both of a pair are there."""
    words = {str(value).strip().lower() for value, _ in real}
    return words <= _BOOLEAN_WORDS or words in ({"y", "n"}, {"t", "f"})


def _native_type(real: list[tuple[Any, int]]) -> ColumnType | None:
    """The type where the values come typed, as from JSON or Parquet; None where there is a text among them."""
    kinds = {value.__class__ for value, _ in real}
    if str in kinds:
        return None
    if kinds <= {bool}:
        return "boolean"
    if kinds <= {int, bool}:
        return "integer" if all(abs(value) <= _MAX_INTEGER for value, _ in real) else "number"
    if kinds <= {int, float, Decimal, bool}:
        return "number"
    if all(issubclass(kind, dt.date) for kind in kinds):
        timed = any(isinstance(value, dt.datetime) and value.time() != dt.time() for value, _ in real)
        return "datetime" if timed else "date"
    return "text"


def _are_codes(values: list[Any]) -> bool:
    """True for short codes in capitals such as EMEA and APAC, where NA is North America or Namibia."""
    others = {value for value in values if isinstance(value, str)}
    return len(others) >= 2 and all(len(v) <= 5 and v.isupper() and v.isalpha() for v in others)


def _decimal_comma(values: Iterable[Any]) -> bool:
    """True where the column writes 1.234,50."""
    votes = 0
    for value in values:
        if not isinstance(value, str) or not re.search(r"\d", value):
            continue
        comma, dot = value.rfind(","), value.rfind(".")
        if comma >= 0 and dot >= 0:
            votes += 1 if comma > dot else -1
        elif comma >= 0 and not re.search(r"\d,\d{3}(?:\D|\Z)", value):
            votes += 1
        elif dot >= 0 and not re.search(r"\d\.\d{3}(?:\D|\Z)", value):
            votes -= 1
    return votes > 0


def _text(value: Any, _column: ColumnCoercer) -> Cell:
    if isinstance(value, str):
        return clean(value).strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return clean(str(value))


def _integer(value: Any, column: ColumnCoercer) -> Cell:
    if isinstance(value, int) or (isinstance(value, str) and _INTEGER.match(value.strip())):
        number = int(value)
    else:
        exact = _number(value, column)
        if not isinstance(exact, float) or not exact.is_integer():
            raise ValueError(f"{value!r} is not an integer")
        if isinstance(value, str) and re.search(r"[.,]\d{1,2}\Z", value.strip()):
            raise ValueError(f"{value!r} is not an integer")
        number = int(exact)
    if abs(number) > _MAX_INTEGER:
        raise ValueError(f"{value!r} is too large")
    return number


def _number(value: Any, column: ColumnCoercer) -> Cell:
    if isinstance(value, bool | int | float | Decimal):
        number = float(value)
    elif isinstance(value, str):
        number = _parse_number(value, column.comma)
    else:
        raise ValueError(f"{value!r} is not a number")
    if not math.isfinite(number):
        raise ValueError(f"{value!r} is not a finite number")
    return number


def _parse_number(text: str, comma: bool) -> float:
    bare = text.strip()
    negative = bare.startswith("(") and bare.endswith(")")
    bare = bare[1:-1] if negative else bare
    if bare[:1] in "+-" and len(bare) > 1 and not bare[1].isdigit():
        negative, bare = negative or bare[0] == "-", bare[1:]
    found = _NUMBER.match(_CURRENCY.sub("", _CURRENCY.sub("", bare.strip())).strip())
    if not found:
        raise ValueError(f"{text!r} is not a number")
    digits = found["digits"].strip()
    if _SPACED.search(digits) and not _GROUPED.fullmatch(digits):
        raise ValueError(f"{text!r} is not a number")
    digits = _SPACED.sub("", digits)
    last_comma, last_dot = digits.rfind(","), digits.rfind(".")
    if last_comma >= 0 and last_dot >= 0:
        mark = "," if last_comma > last_dot else "."
    elif last_comma >= 0:
        grouped = re.fullmatch(r"\d{1,3}(?:,\d{3})+", digits)
        mark = "." if grouped and (not comma or digits.count(",") > 1) else ","
    else:
        grouped = re.fullmatch(r"\d{1,3}(?:\.\d{3})+", digits)
        mark = "," if grouped and (comma or digits.count(".") > 1) else "."
    plain = digits.replace("." if mark == "," else ",", "").replace(mark, ".")
    number = float(found["sign"] + plain + (found["exponent"] or ""))
    return -number if negative else number


def _boolean(value: Any, _column: ColumnCoercer) -> Cell:
    if isinstance(value, bool):
        return value
    word = str(int(value)) if isinstance(value, int | float) else str(value).strip().lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise ValueError(f"{value!r} is neither true nor false")


def _date(value: Any, column: ColumnCoercer) -> Cell:
    moment = _moment(value, column.order)
    return moment.date() if isinstance(moment, dt.datetime) else moment


def _datetime(value: Any, column: ColumnCoercer) -> Cell:
    moment = _moment(value, column.order)
    return moment if isinstance(moment, dt.datetime) else dt.datetime.combine(moment, dt.time())


def _moment(value: Any, order: DateOrder) -> dt.date | dt.datetime:
    try:
        return parse_moment(value, order, loose=True)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{value!r} is not a date") from error


_COERCERS: Mapping[ColumnType, Callable[[Any, ColumnCoercer], Cell]] = {
    "text": _text,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "date": _date,
    "datetime": _datetime,
}
