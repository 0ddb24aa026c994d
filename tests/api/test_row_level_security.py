"""`index.row_level_security`: a governed workspace answers as it does without, and PostgreSQL refuses by itself."""

from __future__ import annotations

import datetime as dt
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from api.audit import Audited
from api.cli import main
from api.settings import load_settings
from api.wiring import open_workspace
from index.engine import open_engine
from index.errors import SettingsError
from index.guard.guard import guard
from index.readers import Readers
from index.store.tables import READER
from scripts.scratch_postgres import ScratchServer
from tests.governed import POLICY, build

QUESTIONS = (
    "How many customers do we have per region?",
    "revenue per month",
    "Top 3 customers by revenue",
    "orders of Cumbre Norte",
    "contacts of Bergfreunde",
    "What do the notes say about late boots?",
)
USERS = ("root", "emma", "akira", "clerk")


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory, postgres: ScratchServer) -> Iterator[tuple[Path, Path]]:
    """The same workspace without the wall and with it, in two databases."""
    made = []
    for wall in ("false", "true"):
        url = postgres.database(f"wall_{wall}", "")
        more = f"index:\n  url: {url}\n  row_level_security: {wall}\n"
        made.append((build(tmp_path_factory.mktemp(wall) / "home", more=more), url))
    yield made[0][0], made[1][0]
    Readers(open_engine(made[1][1])).remove(before=dt.date.max)


@pytest.fixture
def workspace(homes: tuple[Path, Path]) -> Iterator[Audited]:
    opened = open_workspace(homes[1], load_settings(homes[1]))
    yield opened
    opened.close()


def _write(home: Path, policy: str) -> None:
    path = home / "policy.yaml"
    path.write_text(policy, encoding="utf-8")
    later = time.time_ns() + 10_000_000
    os.utime(path, ns=(later, later))


def _slipped(workspace: Audited, user: str, sql: str) -> list[tuple[object, ...]]:
    """What the database gives `user` for SQL that no guard has seen."""
    inner: Any = workspace.inner
    scope, reader = workspace.scope_for(user), inner._reader
    query = guard("SELECT 1 AS one FROM accounts", inner.catalogue, scope, dialect="postgres")
    with reader.engine.connect() as connection, connection.begin() as transaction:
        reader.readers.enter(connection, reader.readers.of(query.views))
        rows = [tuple(row) for row in connection.exec_driver_sql(sql)]
        transaction.rollback()
        return rows


def _said(answer: Any) -> tuple[Any, ...]:
    return answer.route.path, answer.answer, [sorted(map(str, query.rows)) for query in answer.sql]


@pytest.mark.parametrize("user", USERS)
def test_an_answer_is_what_it_is_without_it(homes: tuple[Path, Path], user: str) -> None:
    said = []
    for home in homes:
        opened = open_workspace(home, load_settings(home))
        said.append([_said(opened.ask(question, opened.scope_for(user))) for question in QUESTIONS])
        opened.close()
    assert said[0] == said[1]


def test_every_guarded_query_runs_as_a_reader(workspace: Audited) -> None:
    inner: Any = workspace.inner
    ran: list[tuple[str, str]] = []

    @sa.event.listens_for(inner._reader.engine, "before_cursor_execute")
    def note(connection: Any, cursor: Any, statement: str, *_: object) -> None:
        if any(f'"{table}"' in statement for table in ("accounts", "contacts", "orders", "products")):
            ran.append((cursor.connection.execute("SELECT current_user").fetchone()[0], statement))

    workspace.ask("Top 3 customers by revenue", workspace.scope_for("emma"))
    workspace.sql("SELECT name FROM accounts", workspace.scope_for("akira"))
    assert len(ran) >= 2 and all(user.startswith(READER) and user in statement for user, statement in ran)
    assert len({user for user, _ in ran}) >= 2


def test_a_query_that_slipped_past_the_guard_is_kept_to_what_its_asker_sees(workspace: Audited) -> None:
    assert _slipped(workspace, "emma", "SELECT DISTINCT region FROM accounts") == [("EMEA",)]
    assert _slipped(workspace, "akira", "SELECT COUNT(*) FROM orders") == [(12,)]
    for sql in ("SELECT pin FROM contacts", "SELECT * FROM public.accounts", "SELECT body FROM public._tower_answers"):
        with pytest.raises(sa.exc.SQLAlchemyError, match=r"permission denied|does not exist"):
            _slipped(workspace, "emma", sql)
    assert {row[0] for row in _slipped(workspace, "emma", "SELECT email FROM contacts")} == {"***"}


def test_a_change_of_policy_counts_for_the_next_question_and_the_wall_with_it(
    workspace: Audited, homes: tuple[Path, Path]
) -> None:
    def count() -> object:
        return workspace.ask("How many customers do we have?", workspace.scope_for("emma")).sql[0].rows

    assert count() == [[4]] and _slipped(workspace, "emma", "SELECT COUNT(*) FROM accounts") == [(4,)]
    try:
        _write(homes[1], POLICY.replace("region = {region}", "region = {region} AND segment = 'SMB'", 1))
        assert _slipped(workspace, "emma", "SELECT COUNT(*) FROM accounts") == [(2,)]  # before any question
        assert count() == [[2]]
        _write(homes[1], POLICY.replace("region: EMEA", "region: APAC"))
        assert _slipped(workspace, "emma", "SELECT DISTINCT region FROM accounts") == [("APAC",)]
        _write(homes[1], POLICY.replace("emma: {groups: [sales]", "emma: {roles: [clerk]"))
        with pytest.raises(sa.exc.SQLAlchemyError, match='column "region" does not exist'):
            _slipped(workspace, "emma", "SELECT region FROM accounts")
    finally:
        _write(homes[1], POLICY)
    assert count() == [[4]]


def test_an_ingest_that_makes_a_table_anew_leaves_it_closed_and_read(
    workspace: Audited, homes: tuple[Path, Path], run: Callable[..., Any]
) -> None:
    home = homes[1]
    assert _slipped(workspace, "emma", "SELECT SUM(seats) FROM accounts") == [(84,)]
    workspace.close()
    text = (home / "tower.yaml").read_text(encoding="utf-8")
    (home / "tower.yaml").write_text(text.replace("types: {seats: integer}", "types: {seats: number}"), "utf-8")
    run(home, "ingest")
    assert run(home, "sql", "SELECT SUM(seats) FROM accounts", user="emma")["rows"] == [[84.0]]
    again = open_workspace(home, load_settings(home))
    with pytest.raises(sa.exc.SQLAlchemyError, match="permission denied"):
        _slipped(again, "emma", "SELECT * FROM public.accounts")
    again.close()


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    def run(home: Path, *arguments: str, user: str = "root", status: int = 0) -> Any:
        capsys.readouterr()
        assert main([*arguments, "--as", user, "--json", "--home", str(home)]) == status
        return json.loads(capsys.readouterr().out)

    return run


def test_a_sqlite_index_cannot_have_it(tmp_path: Path, run: Callable[..., Any]) -> None:
    (tmp_path / "tower.yaml").write_text("sources: {}\nindex:\n  row_level_security: true\n", "utf-8")
    with pytest.raises(SettingsError, match=r"row_level_security needs index\.url, a PostgreSQL database"):
        load_settings(tmp_path)
    assert run(tmp_path, "status", status=2)["error"]["code"] == "bad_settings"


def test_a_database_user_that_may_make_no_roles_is_told_at_the_start(
    tmp_path: Path, postgres: ScratchServer, run: Callable[..., Any]
) -> None:
    url = sa.make_url(postgres.database("weak", "DROP ROLE IF EXISTS tower_weak; CREATE ROLE tower_weak LOGIN"))
    with open_engine(url.render_as_string(hide_password=False)).begin() as connection:
        connection.exec_driver_sql(f'ALTER DATABASE "{url.database}" OWNER TO tower_weak')
    address = url.set(username="tower_weak").render_as_string(hide_password=False)
    (tmp_path / "tower.yaml").write_text(
        f"sources: {{}}\nindex:\n  url: {address}\n  row_level_security: true\n", "utf-8"
    )
    error = run(tmp_path, "status", status=2)["error"]
    assert error["code"] == "bad_settings" and 'ALTER ROLE "tower_weak" CREATEROLE' in error["hint"]
