"""Many questions from a JSON-lines file to a JSON-lines file: a bad line costs that line, not the run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.encode import error_body, to_json
from index.errors import TowerError, UsageError

Line = Mapping[str, Any]


@dataclass(frozen=True)
class BatchReport:
    """How many lines were answered and how many gave an error line."""

    answered: int
    failed: int
    out: str


def run_batch(
    source: Path, target: Path, answer: Callable[[Line], Mapping[str, Any]], on_line: Callable[[int, int], None]
) -> BatchReport:
    """Write `answer(line)` with the line's `id` for every line of `source`, flushed one by one, in order.

    A line that fails gives `{"id", "line", "error": {"code", "message", "hint"}}`. `on_line(done, total)` is called
    after each. Raises `UsageError` when `source` cannot be read or `target` cannot be written.
    """
    lines = _lines(source)
    if target.exists() and source.resolve() == target.resolve():
        raise UsageError(f"--out names the input file {source}", hint="write to another file")
    answered = failed = 0
    with _open_target(target) as out:
        for number, text in lines:
            result = _one(number, text, answer)
            out.write(to_json(result) + "\n")
            out.flush()
            failed += "error" in result
            answered += "error" not in result
            on_line(answered + failed, len(lines))
    return BatchReport(answered, failed, str(target))


def _one(number: int, text: str, answer: Callable[[Line], Mapping[str, Any]]) -> dict[str, Any]:
    identity: Any = None
    try:
        line = _parsed(number, text)
        identity = line.get("id")
        return {"id": identity, **{key: value for key, value in answer(line).items() if key != "id"}}
    except TowerError as error:
        return {"id": identity, "line": number, **error_body(error)}
    except Exception as error:  # one line's fault must not take the others with it
        failure = {"code": "internal", "message": f"unexpected {type(error).__name__}: {error}", "hint": ""}
        return {"id": identity, "line": number, "error": failure}


def _parsed(number: int, text: str) -> Line:
    try:
        line = json.loads(text)
    except ValueError as error:
        raise UsageError(f"line {number} is not JSON: {error}", hint='{"id": ..., "question": "..."}') from error
    if not isinstance(line, dict):
        raise UsageError(
            f"line {number} is a {type(line).__name__}, not an object", hint='{"id": ..., "question": "..."}'
        )
    return line


def read_jsonl(path: Path) -> Iterator[tuple[int, Line]]:
    """The objects of a JSON-lines file with their line numbers; raises `UsageError` at the first bad one."""
    for number, text in _lines(path):
        yield number, _parsed(number, text)


def _lines(path: Path) -> list[tuple[int, str]]:
    try:
        content = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8: {error}", hint="save it as UTF-8") from error
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", hint="check the path") from error
    return [(number, text) for number, text in enumerate(content.split("\n"), 1) if text.strip()]


def _open_target(path: Path) -> Any:
    try:
        return path.open("w", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}", hint="check that its folder exists") from error
