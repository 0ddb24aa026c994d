"""What the two worlds say about one query, and a run over many."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from index.errors import SqlRejected
from tests.index.schemas import LIMIT, ROLES, SECRET, SLOW, PostgresOracle, SqliteOracle, canonical
from tests.index.typed_sql import TypedSql

_TOLD = (
    "circular reference",
    "recursive table",
    "InvalidRecursion",
    "RIGHT and FULL OUTER",
)  # what the engine itself cannot do


@dataclass
class Verdicts:
    """How many queries went how; `faults` are those that tell something, or differ."""

    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


def hidden_names(oracle: SqliteOracle | PostgresOracle, role: int) -> list[str]:
    """Columns that exist, and that the role does not see."""
    seen = oracle.schema.visible(role)
    return sorted({c for n, made in oracle.schema.tables.items() for c in made.columns if c not in seen.get(n, {})})


def random_query(oracle: SqliteOracle | PostgresOracle, seed: int) -> tuple[str, int]:
    """A query, and the role that asks it."""
    role = seed % ROLES
    schema = oracle.schema
    return TypedSql(seed, schema.visible(role), hidden_names(oracle, role), schema.dialect).query(), role


def judge(oracle: SqliteOracle | PostgresOracle, sql: str, role: int, verdicts: Verdicts) -> None:
    """Compare the worlds on one query.

    A query that the guard refuses for what it says tells nothing; one that the engine refuses on the full world must
    be refused on the allowed one as well, as its failing would tell of rows that are not seen.
    """
    got = oracle.guarded(sql, role)
    where = f"schema {oracle.schema.seed}, role {role}: {sql}"
    if isinstance(got, SqlRejected):
        if "longer than" in got.message:
            verdicts.counts["too slow"] += 1
            return
        if SECRET in (got.message + got.hint).replace(sql, "") and SECRET not in sql:
            verdicts.faults.append(f"a refusal that tells: {where}: {got.message}")
        if "the database" not in got.message and "a parameter" not in got.message:
            verdicts.counts["refused"] += 1
            return
        expected = oracle.original(sql, role)
        if isinstance(expected, list):
            verdicts.faults.append(f"fails where more is there: {where}: {got.message}")
        verdicts.counts["failed alike"] += 1
        return
    expected = oracle.original(sql, role)
    if expected == SLOW:
        verdicts.counts["too slow"] += 1
        return
    if isinstance(expected, str):
        if any(told in expected for told in _TOLD):
            verdicts.counts["not for this engine"] += 1
            return
        verdicts.faults.append(f"runs only where more is there: {where}: {expected}")
        return
    if len(expected) > LIMIT:
        verdicts.counts["too large"] += 1
        return
    verdicts.counts["equal" if expected else "equal, empty"] += 1
    if canonical(got) != canonical(expected):
        verdicts.faults.append(f"differs: {where}\n  got {canonical(got)[:5]}\n  not {canonical(expected)[:5]}")


def judge_slipped(oracle: PostgresOracle, sql: str, role: int, verdicts: Verdicts) -> None:
    """Compare the worlds on a query that went past the guard as it is: the database by itself gives what the role may
    see, and refuses the rest as if it were not there."""
    got, expected = oracle.slipped(sql, role), oracle.original(sql, role)
    where = f"schema {oracle.schema.seed}, role {role}: {sql}"
    if SLOW in (got, expected):
        verdicts.counts["slipped: too slow"] += 1
    elif isinstance(got, str) or isinstance(expected, str):
        verdicts.counts["slipped: refused"] += 1
        if isinstance(got, str) != isinstance(expected, str):
            verdicts.faults.append(f"slipped, and only one world refuses: {where}\n  got {got}\n  not {expected}")
    elif len(expected) > LIMIT:
        verdicts.counts["slipped: too large"] += 1
    else:
        verdicts.counts["slipped: equal" if expected else "slipped: equal, empty"] += 1
        if canonical(got) != canonical(expected):
            verdicts.faults.append(
                f"slipped, and differs: {where}\n  got {canonical(got)[:5]}\n  not {canonical(expected)[:5]}"
            )


def run(oracle: SqliteOracle | PostgresOracle, seeds: range, verdicts: Verdicts) -> None:
    """Judge the queries of many seeds."""
    for seed in seeds:
        sql, role = random_query(oracle, seed)
        judge(oracle, sql, role, verdicts)
        if isinstance(oracle, PostgresOracle) and oracle.readers is not None:
            judge_slipped(oracle, sql, role, verdicts)
