"""Guesses about one column from its name, its declared type and a sample of its values."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, get_args

from index.catalogue.model import ColumnType, Role, Sensitivity
from index.drafting.read import RawColumn

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_DATETIME = re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?")
_PERSON = re.compile(r"(?:[A-Z][^\W\d_]*[.'’-]?\s?){2,4}")
_NAMES_READ = 20
_MOSTLY = 0.7
_IMAGE = re.compile(r"\.(png|jpe?g|gif|webp|svg)$", re.IGNORECASE)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[a-z]{2,}", re.IGNORECASE)
_TYPES: frozenset[str] = frozenset(get_args(ColumnType))
_MEASURES = frozenset(
    "amount total price cost quantity revenue sales salary budget balance fee weight height length width distance "
    "score points rate rating percent discount tax freight profit income duration population area size stock units "
    "count average capacity value volume hours minutes age".split()
)
_CODES = frozenset("id number code year month day zip postal phone fax telephone key rank version latitude longitude "
                   "mobile sequence index".split())  # fmt: skip
_PROSE = frozenset("description comment comments note notes text body message summary remark remarks content "
                   "review detail details".split())  # fmt: skip
_FLAGS = frozenset({"0", "1", "y", "n", "t", "f", "yes", "no", "true", "false"})
_PERSONAL = frozenset("email phone fax mobile telephone birthdate birthday address street extension".split())
_SECRET = frozenset("password passwd secret token ssn salary iban passport pin cvv hash salt".split())
_PEOPLE = frozenset(
    "person people employee student teacher patient physician doctor nurse staff contact user member candidate guest "
    "instructor professor author customer player driver pilot singer artist actor director client resident tenant "
    "faculty participant client guest host mailman apprentice manager owner".split()
)


def column_type(column: RawColumn, stored: str | None = None) -> ColumnType | None:
    """The type that the values speak for, else the declared one; None for binary content, which is not catalogued."""
    if stored in _TYPES:
        return stored  # type: ignore[return-value]
    values = column.sample
    if not values:
        return _declared(column.declared)
    if any(isinstance(v, bytes | memoryview) for v in values):
        return None
    if all(isinstance(v, bool) for v in values):
        return "boolean"
    if all(isinstance(v, dt.datetime) for v in values):
        return "datetime"
    if all(isinstance(v, dt.date) for v in values):
        return "date"
    if all(isinstance(v, int | float | Decimal) for v in values):
        return _number(column, values)
    return _written(values)


def _number(column: RawColumn, values: Sequence[Any]) -> ColumnType:
    if "BOOL" in column.declared or ("BIT" in column.declared and set(values) <= {0, 1}):
        return "boolean"
    whole = all(isinstance(v, int) for v in values)
    loose = any(word in column.declared for word in ("REAL", "FLOA", "DOUB", "DEC", "NUMERIC"))
    return "integer" if whole and not loose else "number"


def _written(values: Sequence[Any]) -> ColumnType:
    texts = [str(v).strip() for v in values if str(v).strip()]
    if texts and all(_DATE.fullmatch(t) for t in texts):
        return "date"
    if texts and all(_DATETIME.fullmatch(t) or _DATE.fullmatch(t) for t in texts):
        return "datetime"
    return "text"


def _declared(declared: str) -> ColumnType | None:
    if "BOOL" in declared:
        return "boolean"
    if "BLOB" in declared or "BYTEA" in declared or "BINARY" in declared:
        return None
    if "TIMESTAMP" in declared or "DATETIME" in declared:
        return "datetime"
    if "DATE" in declared:
        return "date"
    if "INT" in declared and "INTERVAL" not in declared:
        return "integer"
    if any(word in declared for word in ("REAL", "FLOA", "DOUB", "DEC", "NUM", "MONEY")):
        return "number"
    return "text"


def column_role(words: Sequence[str], kind: ColumnType, values: Sequence[Any], *, key: bool, reference: bool) -> Role:
    """The part a column plays. `words` are those of its name."""
    if key or reference:
        return "key" if key else "reference"
    named = set(words)
    if kind in ("date", "datetime"):
        return "time"
    if kind == "boolean":
        return "flag"
    if kind in ("integer", "number"):
        if set(values) <= {0, 1} and named & {"is", "has", "flag", "active", "deleted", "discontinued", "enabled"}:
            return "flag"
        if named & _MEASURES or (kind == "number" and not named & _CODES):
            return "measure"
        return "dimension" if named & _CODES else "measure"
    texts = [str(v) for v in values]
    if texts and {t.lower() for t in texts} <= _FLAGS and len(set(texts)) <= 2:
        return "flag"
    if "email" in named or (texts and all(_EMAIL.fullmatch(t) for t in texts[:20])):
        return "email"
    if texts and all(_IMAGE.search(t) for t in texts[:20]):
        return "image"
    if (named & _PROSE and _mean_length(texts) > 30) or _mean_length(texts) > 80:
        return "text"
    return "dimension"


def _mean_length(texts: Sequence[str]) -> float:
    return sum(map(len, texts)) / len(texts) if texts else 0.0


def sensitivity(words: Sequence[str], role: Role, *, person: bool, name_part: bool) -> Sensitivity:
    """How careful to be with a column; `person` says that a row of its table is a person."""
    named = set(words)
    if named & _SECRET or {"credit", "card"} <= named or {"social", "security"} <= named:
        return "secret"
    if role == "email" or {"date", "birth"} <= named or (name_part and person):
        return "personal"
    if named & _PERSONAL and (person or named & {"phone", "mobile", "birthdate", "birthday", "email"}):
        return "personal"
    return "personal" if {"contact", "name"} <= named else "internal"


def reads_like_persons(values: Sequence[Any]) -> bool:
    """True where most of a sample of names are given names with surnames: a table of heads, skippers or winners."""
    texts = [str(v).strip() for v in values[:_NAMES_READ]]
    shaped = [t for t in texts if _PERSON.fullmatch(t)]
    if len(texts) < 3 or len(shaped) < _MOSTLY * len(texts):
        return False
    from index.masking.names import persons

    found = sum(any(s.end - s.start == len(t) for s in persons(t)) for t in shaped)
    return found >= _MOSTLY * len(texts)


def is_person(words: Sequence[str], columns: Sequence[Sequence[str]]) -> bool:
    """True when a row of a table reads like a person: by the last word of its name, or by a first and last name."""
    from index.drafting.naming import singular

    parts = {" ".join(c) for c in columns}
    company = any({"company", "name"} <= set(c) for c in columns)
    named = bool(words) and singular(words[-1]) in _PEOPLE and not company
    return named or ("last name" in parts and "first name" in parts)


def name_columns(table: Sequence[str], columns: Sequence[tuple[str, Sequence[str], ColumnType, Role]]) -> list[str]:
    """The columns that people call a row by, best first; more than one are the parts of a name (first, last).

    `table` are the words of the table's name; each column is (name, words, type, role). A dated row that refers to
    others (an order) goes by its number: it has a name only where a column is plainly called so.
    """
    from index.drafting.naming import singular

    own = singular(table[-1]) if table else ""
    texts = [(name, list(words)) for name, words, kind, role in columns if kind == "text" and role == "dimension"]
    by_words = {" ".join(words): name for name, words in reversed(texts)}
    last = [by_words[part] for part in ("last name", "surname", "family name") if part in by_words]
    first = [by_words[part] for part in ("first name", "given name", "forename") if part in by_words]
    if last and first:
        return [last[0], first[0]]
    for wanted in (f"{own} name", "name", "full name", "company name", f"{own} title", "title", own, "label"):
        if wanted in by_words:
            return [by_words[wanted]]
    roles = [role for _, _, _, role in columns]
    if "reference" in roles and "time" in roles:
        return []
    ends = [name for name, words in texts if words[-1] in ("name", "title")]
    return ends[:1] or [name for name, words in texts if words[-1] in ("description", "label")][:1] or last[:1]


def time_column(columns: Sequence[tuple[str, Sequence[str], Role]]) -> str | None:
    """The date that says when a row happened: the first that is not a birth date, a deadline or an end."""
    dates = [(name, set(words)) for name, words, role in columns if role == "time"]
    late = {"birth", "birthdate", "required", "due", "end", "ended", "expiry", "expires", "updated", "modified", "to",
            "shipped", "closed", "deleted", "until", "cancelled"}  # fmt: skip
    best = [name for name, words in dates if not words & late]
    return next(iter(best or [name for name, _ in dates]), None)
