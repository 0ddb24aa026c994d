"""The guard over generated schemas and eight roles, on SQLite and on PostgreSQL. `make fuzz` is the long run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.index.judging import Verdicts, run
from tests.index.schemas import ROLES, make, oracle
from tests.postgres import postgres_url


def place(dialect: str, folder: Path) -> Path | str:
    return folder if dialect == "sqlite" else postgres_url()


@pytest.mark.parametrize("dialect", ["sqlite", "postgres"])
def test_a_query_on_everything_gives_what_the_original_gives_on_what_a_role_may_see(
    dialect: str, tmp_path: Path
) -> None:
    verdicts = Verdicts()
    where = place(dialect, tmp_path)
    for seed in range(900, 903):
        with oracle(seed, dialect, where) as worlds:
            run(worlds, range(seed * 100, seed * 100 + 60), verdicts)
    assert verdicts.faults == []
    assert verdicts.counts["equal"] > 50, verdicts.counts  # the oracle judges, and does not only refuse


def test_postgres_gives_the_same_by_itself_to_a_query_that_slipped_past_the_guard(tmp_path: Path) -> None:
    verdicts = Verdicts()
    for seed in range(903, 906):
        with oracle(seed, "postgres", postgres_url(), readers=True) as worlds:
            run(worlds, range(seed * 100, seed * 100 + 60), verdicts)
    assert verdicts.faults == []
    assert min(verdicts.counts["equal"], verdicts.counts["slipped: equal"]) > 50, verdicts.counts


def test_the_roles_of_a_schema_see_different_parts_and_hide_something() -> None:
    for seed in range(20):
        schema = make(seed, "sqlite")
        seen = [schema.visible(role) for role in range(ROLES)]
        assert len({repr(one) for one in seen}) > 4
        assert any(scope.tables[name].rows for scope in schema.roles for name in scope.tables)
        assert any("masked" in scope.tables[name].columns.values() for scope in schema.roles for name in scope.tables)
