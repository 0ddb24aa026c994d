"""The SQL in what a model says: in a fence, in JSON, behind a label, or plain; and whether it says that it cannot."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from query.text2sql.prompt import CANNOT

_THOUGHT = re.compile(r"<(think|thinking|reasoning)>.*?(?:</\1>|\Z)", re.DOTALL | re.IGNORECASE)
_FENCE = re.compile(r"```[ \t]*([A-Za-z0-9_+-]*)[ \t]*\r?\n(.*?)(?:```|\Z)", re.DOTALL)
_LABEL = re.compile(r"^\s*(?:SQL\s*Query|SQL|Query|Answer)\s*:\s*", re.IGNORECASE)
_RESULT = re.compile(r"\n\s*SQL\s*Result\s*:.*\Z", re.DOTALL | re.IGNORECASE)
_START = re.compile(r"^[ \t(]*(?:SELECT|WITH)\b", re.IGNORECASE | re.MULTILINE)
_CLAUSES = frozenset(
    "FROM WHERE GROUP ORDER HAVING LIMIT OFFSET UNION INTERSECT EXCEPT SELECT JOIN LEFT RIGHT INNER FULL CROSS NATURAL "
    "AND OR ON AS".split()
)
_KEYS = ("sql", "SQL", "query", "sql_query")


@dataclass(frozen=True)
class Said:
    """`sql` is what the model wrote ("" for none); `declined` says that it cannot answer, with its reason."""

    sql: str
    declined: str = ""


def read_reply(text: str) -> Said:
    """What a reply holds. SQL is taken as it stands, also when it is several statements or no SELECT: whether it may
    run is for the guard to say."""
    text = _THOUGHT.sub("", text).strip()
    fences = [(kind.lower(), body.strip()) for kind, body in _FENCE.findall(text) if body.strip()]
    if fences:
        sql = [body for kind, body in fences if kind not in ("json", "text", "markdown")]
        text = sql[-1] if sql else fences[-1][1]
    held = _in_json(text)
    if held is not None:
        text = held.strip()
    if CANNOT in text.upper()[:200]:
        at = text.upper().index(CANNOT) + len(CANNOT)
        return Said("", text[at:].strip(" :.-\n")[:200] or "no reason given")
    text = _RESULT.sub("", _LABEL.sub("", text)).strip()
    if not fences and held is None and (start := _START.search(text)):
        text = text[start.start() :]
        text = text.partition("\n\n")[0] if _prose(text.partition("\n\n")[2]) else text
    return Said(text.strip().rstrip(";").strip())


def _in_json(text: str) -> str | None:
    if not text.startswith("{"):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    found = [value[key] for key in _KEYS if isinstance(value.get(key), str)] if isinstance(value, dict) else []
    return found[0] if found else None


def _prose(text: str) -> bool:
    """True for an explanation behind a query: it begins like a sentence, and not like a clause."""
    first = text.strip().partition(" ")[0].upper().strip("(,")
    return bool(first) and first.isalpha() and first not in _CLAUSES
