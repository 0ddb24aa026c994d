"""The gold queries of public text-to-SQL sets, as files of an evaluation folder hold them."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SETS = ("spider", "acme", "ambrosia", "defog", "defog-postgres")
_PIECE = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|;|[^'\";]+|['\"]")
_OPEN = re.compile(r"\{([^{}]*)\}")
_ALIAS = re.compile(r"\s+as\s+\w+\s*$", re.IGNORECASE)


@dataclass(frozen=True)
class Gold:
    """One gold query. `database` is a SQLite file, for `postgres` the script that makes the database."""

    set: str
    dialect: str
    database: Path
    sql: str
    question: str = ""


def gold_queries(evals: Path, name: str) -> Iterator[Gold]:
    """The gold queries of one of `SETS` in `evals` (a folder with `spider_train`, `defog`, ...); none where it is not
    there."""
    folder = evals / "text2sql" if (evals / "text2sql").is_dir() else evals
    if name == "spider":
        yield from _spider(folder / "spider_train")
    elif name == "acme":
        yield from _acme(folder / "acme_insurance")
    elif name == "ambrosia":
        yield from _ambrosia(folder / "ambrosia")
    else:
        yield from _defog(folder / "defog", "postgres" if name.endswith("postgres") else "sqlite")


def _lines(path: Path) -> Iterator[dict[str, str]]:
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)


def _spider(folder: Path) -> Iterator[Gold]:
    for row in _lines(folder / "questions.jsonl"):
        yield Gold(
            "spider",
            "sqlite",
            folder / "database" / row["db_id"] / f"{row['db_id']}.sqlite",
            row["query"],
            row["question"],
        )


def _acme(folder: Path) -> Iterator[Gold]:
    for row in _lines(folder / "questions.jsonl"):
        yield Gold("acme", "sqlite", folder / "acme.sqlite", row["query"], row["question"])


def _ambrosia(folder: Path) -> Iterator[Gold]:
    """Every interpretation; the general query is abstract and does not run by design."""
    for row in _lines(folder / "ambrosia.jsonl"):
        for key in ("sql_query1", "sql_query2", "sql_query3"):
            if row.get(key):
                yield Gold(
                    "ambrosia", "sqlite", folder / "database" / f"{row['db_id']}.sqlite", row[key], row["question"]
                )


def _defog(folder: Path, dialect: str) -> Iterator[Gold]:
    for file in sorted((folder / "questions").glob(f"*{dialect}*.csv")) if folder.is_dir() else ():
        with file.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                name = row["db_name"]
                made = folder / "source_sql" / f"{name}.sql"
                database = made if dialect == "postgres" else folder / "database" / f"{name}.sqlite"
                for sql in statements(row["query"]):
                    for written in variants(sql):
                        yield Gold(f"defog-{dialect}", dialect, database, written, row["question"])


def statements(text: str) -> list[str]:
    """The statements of `text`, split at semicolons outside quotes."""
    parts = [""]
    for piece in _PIECE.findall(text):
        if piece == ";":
            parts.append("")
        else:
            parts[-1] += piece
    return [part.strip() for part in parts if part.strip()]


def variants(sql: str) -> list[str]:
    """A query whose `{a, b}` stand for a choice of columns, written out: all of them, and each alone. `{}` behind
    GROUP BY repeats the choice without aliases."""
    choice = next((m for m in _OPEN.finditer(sql) if m[1].strip()), None)
    if choice is None:
        return [sql.replace("{}", "1")] if "{}" in sql else [sql]
    columns = [c.strip() for c in re.split(r",(?![^(]*\))", choice[1])]
    chosen = [columns, *([c] for c in columns)] if len(columns) > 1 else [columns]
    return [_written(sql, columns) for columns in chosen]


def _written(sql: str, columns: list[str]) -> str:
    plain = ", ".join(_ALIAS.sub("", c) for c in columns)
    first = True

    def fill(match: re.Match[str]) -> str:
        nonlocal first
        if not match[1].strip():
            return plain
        said = ", ".join(columns) if first else match[1]
        first = False
        return said

    return _OPEN.sub(fill, sql)
