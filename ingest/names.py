"""Names as the SQL index has them: snake_case, ASCII, without the marks of the system they come from."""

from __future__ import annotations

import datetime as dt
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

_CUSTOM = re.compile(r"__(?:c|r|pc|x|mdt)\Z", re.IGNORECASE)  # Salesforce's marks of custom fields
_LONGEST = 55  # PostgreSQL cuts names at 63; some room is for a number behind it
_SCALARS = frozenset({str, int, float, bool, type(None), dt.date, dt.datetime, Decimal})
_DROPPED = frozenset({"attributes"})  # Salesforce's record type and URL


def snake_case(name: str) -> str:
    """`name` in snake_case: `Region__c` is `region`, `AccountId` `account_id`, `Order Details` `order_details`."""
    name = _CUSTOM.sub("", name.strip())
    written = name
    name = name.replace("ß", "ss").replace("ø", "o").replace("Ø", "O").replace("æ", "ae").replace("Æ", "Ae")
    name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    name = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_").lower()
    if not name:  # a script without Latin letters keeps its own
        name = re.sub(r"\W+", "_", unicodedata.normalize("NFKC", written)).strip("_").lower() or "column"
    return (f"n_{name}" if name[0].isdigit() else name)[:_LONGEST]


def unique(name: str, taken: Iterable[str]) -> str:
    """`name`, with the first number behind it that makes it differ from every name in `taken`."""
    held = set(taken)
    number, candidate = 1, name
    while candidate in held:
        number += 1
        candidate = f"{name}_{number}"
    return candidate


class Normaliser:
    """Brings the raw records of one table to flat mappings with clean names.

    `rename` maps raw names (`Id`, or `Owner.Name` for nested ones) to wanted ones. One level of nested objects is
    flattened with an underscore, deeper ones and lists become JSON text, Salesforce's `attributes` are dropped.
    """

    def __init__(self, rename: Mapping[str, str]) -> None:
        self._rename = dict(rename)
        self._names: dict[str, str] = {}

    def __call__(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The record with its clean names; values are as they were, but for flattened ones."""
        names = self._names
        if _SCALARS.issuperset(map(type, values.values())):
            try:
                return {names[raw]: value for raw, value in values.items()}
            except KeyError:
                pass  # a name that was not met before
        flat: dict[str, Any] = {}
        for raw, value in values.items():
            if value.__class__ in _SCALARS:
                flat[names.get(raw) or self._name(str(raw))] = value
            elif isinstance(value, Mapping):
                for inner, nested in value.items() if raw not in _DROPPED else ():
                    if inner not in _DROPPED:
                        flat[self._name(f"{raw}.{inner}")] = _plain(nested)
            else:
                flat[self._name(str(raw))] = _plain(value)
        return flat

    def _name(self, raw: str) -> str:
        known = self._names.get(raw)
        if known is None:
            wanted = self._rename.get(raw) or self._rename.get(raw.replace(".", "_"))
            known = self._names[raw] = unique(snake_case(wanted or _path(raw)), self._names.values())
        return known


def _path(raw: str) -> str:
    return "_".join(_CUSTOM.sub("", part) for part in raw.split("."))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping | list | tuple | set):
        items = sorted(value, key=str) if isinstance(value, set) else value
        return json.dumps(items, ensure_ascii=False, default=str) if items else None
    return value
