"""Values of the inside as JSON: frozen dataclasses, Pydantic models, dates, decimals, bytes."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import json
import math
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

from index.errors import TowerError


def plain(value: Any) -> Any:
    """`value` as dict, list, str, int, float, bool or None. Dates are ISO; decimals numbers; bytes base64.

    A float that JSON has no word for (NaN, infinity) becomes None. A type that is none of these becomes its text.
    """
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return int(value) if value.is_finite() and value == value.to_integral_value() else plain(float(value))
    if isinstance(value, (dt.date, dt.datetime, dt.time)):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted((plain(item) for item in value), key=str)
    return _plain_object(value)


def _plain_object(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return plain(value.model_dump(mode="python"))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, Path):
        return value.as_posix()
    if hasattr(value, "item"):  # a numpy scalar
        return plain(value.item())
    return str(value)


def answer_json(answer: Any) -> dict[str, Any]:
    """An answer in the public shape: fields of a part that do not apply are left out."""
    body: dict[str, Any] = plain(answer)
    for owner in [body, *body.get("drafts", [])]:
        owner["citations"] = [_present(citation) for citation in owner.get("citations", [])]
    body["items"] = [_present(item) for item in body.get("items", [])]
    if body.get("chart") is None:
        body.pop("chart", None)
    else:
        body["chart"] = _present(body["chart"])
    return body


def _present(part: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in part.items() if value is not None}


def encodable(text: str) -> str:
    """`text` with halves of surrogate pairs replaced, which JSON may carry and no file, log or database takes."""
    return text.encode("utf-8", "replace").decode("utf-8")


def to_json(value: Any, *, indent: int | None = None) -> str:
    """One JSON value as text, keys in the order given, letters as they are."""
    return json.dumps(plain(value), ensure_ascii=False, indent=indent, allow_nan=False)


def error_body(error: TowerError) -> dict[str, Any]:
    """The public shape of an error."""
    return {"error": {"code": error.code, "message": error.message, "hint": error.hint}}
