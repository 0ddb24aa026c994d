"""The cursors of databases, kept as JSON with their types."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any


def cursor_json(value: Any) -> list[Any] | None:
    """A database's cursor as JSON that keeps its type; None for no cursor."""
    for kind, (accepts, write, _) in _CURSORS.items():
        if accepts(value):
            return [kind, write(value)]
    return None


def cursor_value(value: object) -> Any:
    """The cursor again from its JSON; None where there is none."""
    match value:
        case [str(kind), str(text)] if kind in _CURSORS:
            return _CURSORS[kind][2](text)
    return None


_CURSORS: dict[str, tuple[Callable[[Any], bool], Callable[[Any], str], Callable[[str], Any]]] = {
    "text": (lambda v: isinstance(v, str), str, str),
    "integer": (lambda v: type(v) is int, str, int),
    "number": (lambda v: isinstance(v, float), repr, float),
    "decimal": (lambda v: isinstance(v, Decimal), str, Decimal),
    "datetime": (lambda v: isinstance(v, dt.datetime), lambda v: v.isoformat(), dt.datetime.fromisoformat),
    "date": (lambda v: type(v) is dt.date, lambda v: v.isoformat(), dt.date.fromisoformat),
}
