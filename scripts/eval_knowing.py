"""Measures what Tower knows of its own answers: `python scripts/eval_knowing.py EVALS [--half held-out] [--sample N]`.

For the questions with known queries (see `text2sql_data.py`), answered by the whole query engine over a catalogue
drafted from the database alone: the share of right first results (accuracy, whether or not it asked back), the share
answered outright, how many of those are right (precision), and the expected calibration error of their confidence.
For `defog/questions/idk.csv`, which no database answers: the share refused, and that asked back. For `ambrosia/`: the
share of ambiguous questions that are asked back or whose readings are all given, by kind of ambiguity, and the share
of their unambiguous rewordings that are asked back.

AMBROSIA is halved by the MD5 of the database's name, the unanswerable questions by that of the question. `--show FILE`
writes what went wrong in the training half; of the other half nothing is written.
"""

from __future__ import annotations

import argparse
import csv
import json
import sqlite3
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from text2sql_data import (
    SETS,
    Asked,
    Half,
    Wanted,
    by_database,
    connected,
    in_training,
    questions,
    rows_of,
    same,
    wanted,
)

from index.drafting.draft import draft_catalogue
from index.engine import open_engine
from index.errors import NotFoundError
from index.scope import Scope
from index.sql import SqlDatabase
from query.answer import Answer
from query.engine import QueryEngine
from query.parts import Parts
from query.planning.entity_names import EntityNames
from query.text2sql.planner import TableQuestionPlanner

BINS = 10
Ask = Callable[[str], Answer]


@dataclass(frozen=True)
class Outcome:
    """What became of a question: the path, the confidence, and whether the first result is right."""

    asked: Asked
    path: str
    confidence: float
    shown: bool
    right: bool
    sql: str

    @property
    def outright(self) -> bool:
        """True when it was answered, not asked back or refused."""
        return self.shown and self.path not in ("clarify", "refuse")


class _NoScores:
    """No score is declared for a database asked in place."""

    def score(self, name: str, keys: object, scope: Scope) -> tuple[()]:
        """Raises."""
        raise NotFoundError(f"no score {name!r} here")

    def due(self, name: str, start: str, end: str, scope: Scope) -> frozenset[str]:
        """Raises."""
        raise NotFoundError(f"no score {name!r} here")


def asker(path: Path) -> Ask:
    """Asks the whole query engine over the database at `path`."""
    engine = open_engine(f"sqlite:///{path}", read_only=True)
    catalogue, reader = draft_catalogue(engine), SqlDatabase(engine)
    scope = Scope.administrator(catalogue, frozenset())
    planner, names = TableQuestionPlanner(catalogue, reader, scope), EntityNames(catalogue, reader, scope)
    asked = QueryEngine(Parts(catalogue, reader, lambda _: planner, lambda _: names, _NoScores()))
    return lambda question: asked.answer(question, scope)


def rows_given(answer: Answer) -> list[list[tuple[Any, ...]]]:
    """The rows of each result set of an answer."""
    return [[tuple(row) for row in one.rows] for one in answer.sql]


def outcomes(asked: Sequence[Asked]) -> Iterator[Outcome]:
    """Ask every question whose known query runs."""
    for path, held in by_database(asked):
        ask = asker(path)
        with connected(path) as connection:
            for one in held:
                answers = wanted(connection, one)
                if not answers:
                    continue
                answer = ask(one.question)
                given = rows_given(answer)
                right = bool(given) and any(same(given[0], w) for w in answers)
                sql = answer.sql[0].text if answer.sql else ""
                yield Outcome(one, answer.route.path, answer.route.confidence, bool(given), right, sql)


def calibration_error(held: Sequence[Outcome]) -> float:
    """The expected calibration error over ten bins of equal width."""
    bins: dict[int, list[Outcome]] = defaultdict(list)
    for outcome in held:
        bins[min(int(outcome.confidence * BINS), BINS - 1)].append(outcome)
    gaps = (abs(sum(o.confidence for o in part) - sum(o.right for o in part)) for part in bins.values())
    return sum(gaps) / max(1, len(held))


def answered_line(name: str, held: Sequence[Outcome]) -> str:
    """One line of figures for a set of answerable questions."""
    outright = [o for o in held if o.outright]
    paths = {p: sum(o.path == p for o in held) for p in ("sql", "clarify", "refuse", "vector", "hybrid")}
    told = ", ".join(f"{p} {n}" for p, n in paths.items() if n)
    return (
        f"{name}: accuracy {sum(o.right for o in held)}/{len(held)} = {sum(o.right for o in held) / len(held):.3f};"
        f" answered outright {len(outright) / len(held):.3f}, of which"
        f" {sum(o.right for o in outright) / max(1, len(outright)):.3f} right; ECE {calibration_error(outright):.3f}"
        f" ({told})"
    )


def unanswerable(evals: Path, half: Half) -> tuple[str, list[str]]:
    """A line of figures for the questions that no data answers, and those that were answered after all."""
    by_path: dict[Path, list[str]] = defaultdict(list)
    with (evals / "defog" / "questions" / "idk.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if half == "all" or in_training(row["question"]) == (half == "train"):
                by_path[evals / "defog" / "database" / f"{row['db_name']}.sqlite"].append(row["question"])
    refused = asked_back = empty = total = 0
    wrong = []
    for path, held in sorted(by_path.items()):
        ask = asker(path)
        for question in held:
            answer = ask(question)
            total += 1
            refused += answer.route.path == "refuse"
            asked_back += answer.route.path == "clarify"
            empty += not answer.sql
            if answer.route.path != "refuse":
                wrong.append(
                    f"{answer.route.path}\t{path.stem}\t{question}\t{answer.sql[0].text if answer.sql else ''}"
                )
    line = f"unanswerable: {total}; refused {refused / total:.3f}, asked back {asked_back / total:.3f}"
    return f"{line}; without a row shown {empty / total:.3f}", wrong


def ambiguous(evals: Path, half: Half) -> tuple[list[str], list[str]]:
    """Lines of figures for AMBROSIA, and what went wrong."""
    grouped: dict[str, list[dict[str, str]]] = defaultdict(list)
    for line in (evals / "ambrosia" / "ambrosia.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if half == "all" or in_training(row["db_id"]) == (half == "train"):
            grouped[row["db_id"]].append(row)
    tally: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    wrong: list[str] = []
    for name, rows in sorted(grouped.items()):
        path = evals / "ambrosia" / "database" / f"{name}.sqlite"
        if not path.is_file():
            continue
        ask = asker(path)
        with connected(path) as connection:
            for row in rows:
                _ambiguous_one(row, ask, connection, tally[row["ambiguity"]], wrong)
    lines = []
    for kind, counts in [*sorted(tally.items()), ("in all", _summed(tally.values()))]:
        n, plain = max(1, counts["ambiguous"]), max(1, counts["plain"])
        lines.append(
            f"ambiguous ({kind}): {n}; asked back {counts['back'] / n:.3f}, or all readings given"
            f" {counts['known'] / n:.3f}; unambiguous {plain}: asked back {counts['plain_back'] / plain:.3f},"
            f" answered {counts['plain_answered'] / plain:.3f}, first result right {counts['plain_right'] / plain:.3f}"
        )
    return lines, wrong


def _ambiguous_one(
    row: dict[str, str], ask: Ask, connection: sqlite3.Connection, tally: dict[str, int], wrong: list[str]
) -> None:
    golds = [rows_of(connection, row[k]) for k in ("sql_query1", "sql_query2", "sql_query3") if row.get(k)]
    answers = [Wanted(rows, False) for rows in golds if rows is not None]
    answer = ask(row["question"])
    given = rows_given(answer)
    back = answer.route.path == "clarify"
    every = bool(answers) and all(any(same(g, a) for g in given) for a in answers)
    tally["ambiguous"] += 1
    tally["back"] += back
    tally["known"] += back or every
    if not (back or every):
        wrong.append(f"{answer.route.path}\t{row['ambiguity']}\t{row['db_id']}\t{row['question']}\t{_sqls(answer)}")
    for key, gold in zip(("interpretation1", "interpretation2", "interpretation3"), answers, strict=False):
        if not row.get(key):
            continue
        plain = ask(row[key])
        tally["plain"] += 1
        tally["plain_back"] += plain.route.path == "clarify"
        tally["plain_answered"] += plain.route.path not in ("clarify", "refuse")
        given = rows_given(plain)
        tally["plain_right"] += bool(given) and same(given[0], gold)
        if plain.route.path == "clarify":
            wrong.append(
                f"ASKED BACK\t{row['ambiguity']}\t{row['db_id']}\t{row[key]}\t{plain.route.reason}\t{_sqls(plain)}"
            )


def _sqls(answer: Answer) -> str:
    return " || ".join(one.text for one in answer.sql)


def _summed(counts: Any) -> dict[str, int]:
    out: dict[str, int] = defaultdict(int)
    for one in counts:
        for key, value in one.items():
            out[key] += value
    return out


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("evals", type=Path)
    parser.add_argument("--half", choices=("train", "calibrate", "held-out", "all"), default="held-out")
    parser.add_argument("--sets", default=",".join((*SETS, "idk", "ambrosia")))
    parser.add_argument("--sample", type=int, default=1, help="take every Nth question of Spider")
    parser.add_argument("--show", type=Path, help="where what went wrong in the training half is written")
    arguments = parser.parse_args()
    sets, shown = arguments.sets.split(","), []
    found = list(outcomes(questions(arguments.evals, sets, arguments.half, arguments.sample)))
    for name in SETS:
        held = [o for o in found if o.asked.set_ == name]
        if held:
            sys.stdout.write(answered_line(name, held) + "\n")
            shown += [
                f"{o.confidence}\t{o.path}\t{o.asked.path.stem}\t{o.asked.question}\t{o.sql}\t{o.asked.golds[0]}"
                for o in held
                if o.outright and not o.right
            ]
    if "idk" in sets:
        line, wrong = unanswerable(arguments.evals, arguments.half)
        sys.stdout.write(line + "\n")
        shown += wrong
    if "ambrosia" in sets:
        lines, wrong = ambiguous(arguments.evals, arguments.half)
        sys.stdout.write("\n".join(lines) + "\n")
        shown += wrong
    if arguments.show and arguments.half == "train":
        arguments.show.write_text("".join(f"{s}\n" for s in shown), encoding="utf-8")


if __name__ == "__main__":
    main()
