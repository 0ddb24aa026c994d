"""Names of tables and columns as people would say them."""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet

_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[^\W\d_A-Z]+|[A-Z]+|\d+")
_ABBREVIATIONS = {
    "acct": "account", "addr": "address", "amt": "amount", "avg": "average", "bal": "balance", "cat": "category",
    "cd": "code", "cnt": "count", "cntry": "country", "ctry": "country", "cust": "customer", "dept": "department",
    "desc": "description", "descr": "description", "dest": "destination", "dob": "date of birth", "dt": "date",
    "emp": "employee", "flg": "flag", "fname": "first name", "grp": "group", "img": "image", "inv": "invoice",
    "lang": "language", "lat": "latitude", "lname": "last name", "lng": "longitude", "loc": "location",
    "lvl": "level", "mfr": "manufacturer", "mgr": "manager", "mkt": "market", "msg": "message", "nbr": "number",
    "nm": "name", "num": "number", "org": "organization", "pct": "percent", "prod": "product", "pwd": "password",
    "qtr": "quarter", "qty": "quantity", "sal": "salary", "seq": "sequence", "src": "source", "tel": "telephone",
    "tot": "total", "ttl": "total", "trx": "transaction", "ts": "timestamp", "txn": "transaction",
    "uom": "unit of measure", "usr": "user", "ver": "version", "wk": "week", "yr": "year",
}  # fmt: skip
_LAST = {"no": "number"}  # an abbreviation only at the end: emp_no, but not no_of_rooms
_SUFFIXES = ("name", "date", "code", "number", "address", "time", "type", "id")
_PREFIXES = frozenset(
    "first last middle full birth start end begin due hire order ship zip post phone email e street user".split()
)


def words(name: str, vocabulary: AbstractSet[str] = frozenset()) -> tuple[str, ...]:
    """The lower-case words of a name: `custOrderNo`, `cust_order_no` and `CUST ORDER NO` are all
    `("customer", "order", "number")`.

    `vocabulary` holds words that a glued name may start with (`customerid` with `customer`).
    """
    parts = [part.lower() for part in _WORDS.findall(name)] or [name.lower()]
    found: list[str] = []
    for at, part in enumerate(parts):
        short = _ABBREVIATIONS.get(part) or (_LAST.get(part) if at == len(parts) - 1 and at > 0 else None)
        found += short.split() if short else _unglue(part, vocabulary)
    return tuple(found)


def humanise(name: str, vocabulary: AbstractSet[str] = frozenset()) -> str:
    """A label for a name: its words, in lower case, with spaces."""
    return " ".join(words(name, vocabulary))


def singular(word: str) -> str:
    """An English noun in the singular, roughly: enough to compare `categories` with `category`."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def _unglue(part: str, vocabulary: AbstractSet[str]) -> list[str]:
    for suffix in _SUFFIXES:
        head = part[: -len(suffix)]
        if part.endswith(suffix) and (head in vocabulary or (head in _PREFIXES and suffix != "id")):
            return [head, suffix]
    return [part]
