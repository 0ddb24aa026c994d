"""Attacks on the guard, from a data file, judged by two worlds.

The original query on a database that physically holds only the allowed, masked rows must give what the guarded query
gives on the full one; where it does not run there, it must not run here either.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from index.errors import SqlRejected
from tests.index.worlds import SECRET, Worlds, build, same

ATTACKS = [json.loads(line) for line in (Path(__file__).parent / "attacks.jsonl").read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Worlds:
    return build(tmp_path_factory.mktemp("worlds"))


@pytest.mark.parametrize("attack", ATTACKS, ids=[a["name"] for a in ATTACKS])
def test_an_attack_learns_nothing(attack: dict[str, str], worlds: Worlds) -> None:
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
    assert len(ATTACKS) >= 80
    assert min(kinds.count("same"), kinds.count("rejected")) >= 30


def test_the_full_world_holds_what_the_attacks_are_after(worlds: Worlds) -> None:
    with worlds.full.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT phone, name FROM accounts WHERE region <> 'EMEA'").fetchall()
    assert SECRET in repr(rows)
