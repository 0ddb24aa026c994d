"""Golden questions: what is expected of an answer, and whether an answer is that.

A line of the file is `{"id", "question", "route", "as"?, "after"?, "expect": {...}}`; docs/evaluation.md describes
`expect`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from api.batch import read_jsonl
from api.encode import plain
from index.errors import UsageError
from query.answer import Answer
from query.text2sql.prompt import Example

ROUTES = ("sql", "vector", "hybrid", "clarify", "refuse")
EXTRAS = ("chart", "drafts", "images")  # may stand beside `expect` as well
EXPECTATIONS = ("rows", "ordered", "alternatives", "doc_ids", "contains", "items", *EXTRAS)
Row = Sequence[Any]


@dataclass(frozen=True)
class Golden:
    """One golden question; `after` is the question of the turn before it, of a follow-up."""

    id: str
    question: str
    route: str
    user: str | None = None
    expect: Mapping[str, Any] = field(default_factory=dict)
    after: str = ""


def read_golden(path: Path) -> list[Golden]:
    """All golden questions of a file; raises `UsageError` that names the line of a bad one."""
    return [_golden(path, number, line) for number, line in read_jsonl(path)]


def read_examples(path: Path) -> tuple[Example, ...]:
    """The questions of a golden file whose lines have `sql`; none where there is no such file. Raises `UsageError`."""
    if not path.is_file():
        return ()
    found = ((line.get("question"), line.get("sql")) for _, line in read_jsonl(path))
    return tuple(Example(q, sql) for q, sql in found if isinstance(q, str) and isinstance(sql, str))


def _golden(path: Path, number: int, line: Mapping[str, Any]) -> Golden:
    where = f"{path}, line {number}"
    question, route = line.get("question"), line.get("route")
    if not isinstance(question, str) or route not in ROUTES:
        raise UsageError(f"{where}: needs a question and a route", hint="route is one of " + ", ".join(ROUTES))
    expect = {**line.get("expect", {}), **{name: line[name] for name in EXTRAS if name in line}}
    unknown = [name for name in expect if name not in EXPECTATIONS]
    if unknown:
        raise UsageError(f"{where}: unknown expectation {unknown[0]!r}", hint="known: " + ", ".join(EXPECTATIONS))
    return Golden(str(line.get("id", number)), question, route, line.get("as"), expect, line.get("after", ""))


def fault(golden: Golden, answer: Answer) -> str:
    """Why the answer is not the expected one; empty when it is."""
    if golden.route == "clarify":
        return "" if answer.route.path == "clarify" else f"expected a question back, went {answer.route.path}"
    if golden.route == "refuse":
        return _not_refused(answer)
    if answer.route.path in ("clarify", "refuse"):
        return f"{answer.route.path}: {_short(answer.answer)}"
    checks = (_rows_fault, _documents_fault, _contains_fault, _items_fault, _extras_fault)
    return next((reason for check in checks if (reason := check(golden.expect, answer))), "")


def _not_refused(answer: Answer) -> str:
    if answer.route.path not in ("refuse", "clarify"):
        return f"expected a refusal, went {answer.route.path}: {_short(answer.answer)}"
    return "a refusal that shows rows" if any(query.rows for query in answer.sql) else ""


def _rows_fault(expect: Mapping[str, Any], answer: Answer) -> str:
    if "rows" not in expect:
        return ""
    if not answer.sql:
        return "no query ran"
    accepted = [expect["rows"], *expect.get("alternatives", ())]
    got, ordered = answer.sql[0].rows, bool(expect.get("ordered"))
    if any(same_rows(rows, got, ordered=ordered) for rows in accepted):
        return ""
    return f"expected {len(accepted[0])} rows {_short(accepted[0])}, got {len(got)} rows {_short(got)}"


def _documents_fault(expect: Mapping[str, Any], answer: Answer) -> str:
    wanted = expect.get("doc_ids", ())
    cited = {citation.doc_id for citation in answer.citations if citation.doc_id}
    if not wanted or any(one == doc or doc.endswith(f":{one}") for one in wanted for doc in cited):
        return ""
    return f"cites {_short(sorted(cited))}, none of {_short(wanted)}"


def _contains_fault(expect: Mapping[str, Any], answer: Answer) -> str:
    text = _flat(answer.answer)
    missing = [one for one in expect.get("contains", ()) if _flat(one) not in text]
    return f"does not say {missing[0]!r}: {_short(answer.answer)}" if missing else ""


def _items_fault(expect: Mapping[str, Any], answer: Answer) -> str:
    if "items" not in expect:
        return ""
    wanted, got = {str(key) for key in expect["items"]}, {item.key for item in answer.items}
    if wanted == got:
        return ""
    missing, extra = sorted(wanted - got), sorted(got - wanted)
    return f"{len(missing)} items missing {_short(missing)}, {len(extra)} too many {_short(extra)}"


def _extras_fault(expect: Mapping[str, Any], answer: Answer) -> str:
    if expect.get("chart") and answer.chart is None:
        return "no chart"
    if "drafts" in expect and len(answer.drafts) != expect["drafts"]:
        return f"expected {expect['drafts']} drafts, got {len(answer.drafts)}"
    if expect.get("images") and not (answer.images or any(draft.images for draft in answer.drafts)):
        return "no images"
    return ""


def same_rows(expected: Sequence[Row], got: Sequence[Row], *, ordered: bool) -> bool:
    """True when there are as many rows, and each expected row's values stand in a result row of its own.

    A result row may have more columns than expected. `ordered` compares row by row; else any order will do.
    """
    if len(expected) != len(got):
        return False
    if ordered:
        return all(_holds(row, want) for want, row in zip(expected, got, strict=True))
    return _matched(expected, got)


def _matched(expected: Sequence[Row], got: Sequence[Row]) -> bool:
    """A perfect matching between expected and result rows (augmenting paths)."""
    fits = [[at for at, row in enumerate(got) if _holds(row, want)] for want in expected]
    taken: dict[int, int] = {}

    def place(want: int, seen: set[int]) -> bool:
        for at in fits[want]:
            if at not in seen:
                seen.add(at)
                if at not in taken or place(taken[at], seen):
                    taken[at] = want
                    return True
        return False

    return all(place(want, set()) for want in range(len(expected)))


def _holds(row: Row, wanted: Row) -> bool:
    """True when every wanted value stands in the row, each in a cell of its own."""
    left = list(row)
    for want in wanted:
        at = next((index for index, value in enumerate(left) if same_value(want, value)), None)
        if at is None:
            return False
        del left[at]
    return True


def same_value(expected: Any, got: Any) -> bool:
    """Numbers agree to two decimals or to one part in a million; a date equals its ISO text; text ignores case."""
    expected, got = _number(plain(expected)), _number(plain(got))
    if isinstance(expected, float) and isinstance(got, float):
        return abs(expected - got) <= 0.005 or math.isclose(expected, got, rel_tol=1e-6)
    if isinstance(expected, str) and isinstance(got, str):
        return _flat(_day(expected)) == _flat(_day(got))
    return bool(type(expected) is type(got) and expected == got)


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, (int, float)) else value


def _day(text: str) -> str:
    return text[:10] if text[10:] in ("T00:00:00", " 00:00:00", " 00:00:00.000000") else text


def _flat(text: object) -> str:
    return " ".join(str(text).split()).casefold()


def _short(value: object) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= 200 else text[:197] + "..."
