"""The sample company, generated once for all tests of `data`: its truth, its files, and its clean tables in SQLite."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import data
from data.generator.world import World


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, World]:
    """A workspace as `write_workspace` makes it, and the truth behind it."""
    home = tmp_path_factory.mktemp("company")
    return home, data.write_workspace(home)


@pytest.fixture(scope="session")
def world(workspace: tuple[Path, World]) -> World:
    return workspace[1]


@pytest.fixture(scope="session")
def sample(workspace: tuple[Path, World]) -> Path:
    return workspace[0] / "sample"


@pytest.fixture(scope="session")
def database(world: World) -> Iterator[sqlite3.Connection]:
    """The clean tables in SQLite, with the sentiment that ingest would derive."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    analyser = SentimentIntensityAnalyzer()
    connection = sqlite3.connect(":memory:")
    for table, rows in world.tables.items():
        records = [dict(row) for row in rows]
        if table == "tickets":
            for record in records:
                record["sentiment"] = analyser.polarity_scores(f"{record['subject']}\n{record['body']}")["compound"]
        names = list(records[0])
        connection.execute(f'CREATE TABLE "{table}" ({", ".join(names)})')
        marks = ", ".join("?" * len(names))
        connection.executemany(
            f'INSERT INTO "{table}" VALUES ({marks})', [[_plain(v) for v in r.values()] for r in records]
        )
        if "account_id" in names:
            connection.execute(f'CREATE INDEX "of_{table}" ON "{table}" (account_id)')
    connection.execute("CREATE INDEX lines_of_order ON order_lines (order_id)")
    connection.commit()  # a copy of it waits for ever on an open transaction
    yield connection
    connection.close()


def _plain(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.%f")
    return value.isoformat() if isinstance(value, dt.date) else value
