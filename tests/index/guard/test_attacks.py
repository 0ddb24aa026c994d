"""Attacks on the guard, from a data file, judged by two worlds.

The original query on a database that physically holds only the allowed, masked rows must give what the guarded query
gives on the full one; where it does not run there, it must not run here either.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from index.errors import SqlRejected
from tests.index.worlds import SECRET, PostgresWorlds, Worlds, build, build_postgres, same
from tests.postgres import postgres_url

WRITTEN = [json.loads(line) for line in (Path(__file__).parents[1] / "attacks.jsonl").read_text("utf-8").splitlines()]
ATTACKS = [attack for attack in WRITTEN if "dialect" not in attack]
ON_POSTGRES = [attack for attack in WRITTEN if attack.get("dialect") == "postgres"]


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Worlds:
    return build(tmp_path_factory.mktemp("worlds"))


@pytest.fixture(scope="module")
def on_postgres() -> Iterator[PostgresWorlds]:
    worlds = build_postgres(postgres_url())
    yield worlds
    worlds.full.engine.dispose()
    worlds.allowed.dispose()


@pytest.mark.parametrize("attack", ATTACKS, ids=[a["name"] for a in ATTACKS])
def test_an_attack_learns_nothing(attack: dict[str, str], worlds: Worlds) -> None:
    judge(attack, worlds)


@pytest.mark.parametrize("attack", ON_POSTGRES, ids=[a["name"] for a in ON_POSTGRES])
def test_an_attack_on_postgres_learns_nothing(attack: dict[str, str], on_postgres: PostgresWorlds) -> None:
    judge(attack, on_postgres)


def judge(attack: dict[str, str], worlds: Worlds | PostgresWorlds) -> None:
    """The attack is rejected without a word that tells, or gives what the allowed world gives."""
    got = worlds.guarded(attack["sql"])
    if isinstance(got, SqlRejected):
        assert attack["expect"] == "rejected", got.message
        assert SECRET not in got.message + got.hint
        assert "phone" not in got.hint and "staff" not in got.hint
        return
    assert attack["expect"] == "same", got
    assert SECRET not in repr(got)
    expected = worlds.original(attack["sql"])
    assert isinstance(expected, list), f"runs only where more is there than the scope shows: {expected}"
    assert same(got, expected), (got, expected)


def test_the_attacks_are_many_and_of_both_kinds() -> None:
    kinds = [a["expect"] for a in ATTACKS]
    assert len(ATTACKS) >= 300 and len(ON_POSTGRES) >= 80
    assert len({(a["sql"], a.get("dialect")) for a in WRITTEN}) == len(WRITTEN)
    assert min(kinds.count("same"), kinds.count("rejected")) >= 30


def test_the_full_world_holds_what_the_attacks_are_after(worlds: Worlds) -> None:
    with worlds.full.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT phone, name FROM accounts WHERE region <> 'EMEA'").fetchall()
    assert SECRET in repr(rows)
