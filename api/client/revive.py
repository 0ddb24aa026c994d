"""JSON back into the frozen dataclasses it was made from, by their type hints: the other direction of `api.encode`."""

from __future__ import annotations

import dataclasses
import datetime as dt
import types
from collections.abc import Mapping
from typing import Any, Union, get_args, get_origin, get_type_hints

TAG = "do"  # names the class of a value that may be of several: `sql` is SqlStep


def revive(kind: Any, value: Any) -> Any:
    """`value` as `kind`: a dataclass, a tuple, a mapping, a union of these, a date, or what JSON has words for.

    Of a union of dataclasses the one that `do` names is made. Fields that are left out get their defaults.
    """
    origin = get_origin(kind)
    if value is None:
        return None
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = get_type_hints(kind)
        names = [field.name for field in dataclasses.fields(kind) if field.name in value]
        return kind(**{name: revive(hints[name], value[name]) for name in names})
    if origin is tuple:
        return _tuple(get_args(kind), value)
    if origin in (Union, types.UnionType):
        return revive(_member(get_args(kind), value), value)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {key: revive(get_args(kind)[1], item) for key, item in value.items()}
    if kind is dt.date:
        return dt.date.fromisoformat(value)
    return value


def _tuple(kinds: tuple[Any, ...], values: Any) -> tuple[Any, ...]:
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return tuple(revive(kinds[0], value) for value in values)
    return tuple(revive(kind, value) for kind, value in zip(kinds, values, strict=True))


def _member(kinds: tuple[Any, ...], value: Any) -> Any:
    """The class of a union that fits; `Any` where the value is plain."""
    if isinstance(value, str):
        return dt.date if dt.date in kinds and str not in kinds else Any
    if isinstance(value, list):
        return next((kind for kind in kinds if get_origin(kind) is tuple), Any)
    if not isinstance(value, Mapping):
        return Any
    classes = [kind for kind in kinds if isinstance(kind, type) and dataclasses.is_dataclass(kind)]
    wanted = f"{value.get(TAG, '')}step"
    return next((kind for kind in classes if kind.__name__.lower() == wanted), classes[0] if classes else Any)
