"""Row rules with `{attribute}`s of the user in them, filled in as SQL literals and never as SQL."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from sqlglot import exp

from index.errors import PolicyError, SqlRejected
from index.guard.rules import parse

AttributeValue = str | tuple[str, ...]
_HOLE = re.compile(r"\{([^{}]*)\}")
_LISTED = re.compile(r"\bIN\s*\{([^{}]*)\}", re.IGNORECASE)


def attributes_in(rows: str) -> tuple[str, ...]:
    """The names of the attributes that a row rule uses, each once."""
    return tuple(dict.fromkeys(_HOLE.findall(rows)))


def sample_attributes(rows: str) -> dict[str, AttributeValue]:
    """Attributes of the right kind for a rule that no user has yet: several values after IN, one elsewhere."""
    listed = set(_LISTED.findall(rows))
    return {name: ("x",) if name in listed else "x" for name in attributes_in(rows)}


def bind(rows: str, attributes: Mapping[str, AttributeValue]) -> str:
    """`rows` with each `{name}` replaced by the attribute of that name: `'text'`, or `('a', 'b')` for several.

    Raises `PolicyError` for an attribute that is missing or holds control characters, for a `{name}` that stands
    inside quotes, where a value could end the quotes, and for a rule with a comment.
    """
    names = _HOLE.findall(rows)
    missing = [name for name in names if name not in attributes]
    if missing:
        raise PolicyError(
            f"the row rule {rows!r} needs the attribute {missing[0]!r}, which the user does not have",
            hint="give it under `attributes`",
        )
    _check_places(rows, tuple(isinstance(attributes[name], tuple) for name in names))
    return _HOLE.sub(lambda hole: _literal(hole[1], attributes[hole[1]]), rows)


@lru_cache(maxsize=1024)
def _check_places(rows: str, several: tuple[bool, ...]) -> None:
    """A marker in place of each value must come out of the parser as a value of its own."""
    kinds, count = iter(several), 0

    def marked(_hole: re.Match[str]) -> str:
        nonlocal count
        count += 1
        return f"('\u27e6{count}\u27e7')" if next(kinds) else f"'\u27e6{count}\u27e7'"

    text = _HOLE.sub(marked, rows)
    hint = "a row rule is one condition; an attribute stands for a whole value, without quotes: region = {region}"
    try:
        tree = parse(f"SELECT 1 WHERE {text}" if text.strip() else "SELECT 1", "sqlite")
    except SqlRejected as error:
        raise PolicyError(f"the row rule {rows!r} cannot be read: {error.message}", hint=hint) from error
    found = [node.name for node in tree.find_all(exp.Literal) if node.name.startswith("\u27e6")]
    if sorted(found) != sorted(f"\u27e6{number}\u27e7" for number in range(1, count + 1)):
        raise PolicyError(f"the row rule {rows!r} has an attribute inside quotes or a comment", hint=hint)
    if any(node.comments for node in tree.walk()) or "--" in _without_texts(rows) or "/*" in _without_texts(rows):
        raise PolicyError(f"the row rule {rows!r} has a comment in it", hint="put it behind a # of the YAML")


def _without_texts(rows: str) -> str:
    return re.sub(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"", "''", rows)


def _literal(name: str, value: AttributeValue) -> str:
    if isinstance(value, tuple):
        return "(" + (", ".join(_literal(name, one) for one in value) or "NULL") + ")"
    if any(ord(character) < 32 for character in value):
        raise PolicyError(f"the attribute {name!r} holds a control character")
    return "'" + value.replace("'", "''") + "'"
