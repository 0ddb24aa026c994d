"""The golden questions: up to date, varied, and their expectations confirmed by SQL over the clean tables."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from data import golden
from data.generator.world import World

CASES = Path(__file__).parent / "golden_sql.json"


@pytest.fixture(scope="module")
def lines() -> dict[str, dict[str, Any]]:
    found = [json.loads(line) for line in golden.COMMITTED.read_text(encoding="utf-8").splitlines()]
    return {line["id"]: line for line in found}


def test_the_committed_copy_is_what_the_truth_gives(world: World, sample: Path) -> None:
    """When this fails after a change of the generator: read the difference, then copy `sample/golden.jsonl`."""
    written = (sample / "golden.jsonl").read_text(encoding="utf-8")
    assert written == golden.lines(world)
    assert golden.COMMITTED.read_text(encoding="utf-8") == written


def test_there_are_enough_questions_of_every_route(lines: dict[str, dict[str, Any]]) -> None:
    routes = Counter(line["route"] for line in lines.values())
    assert len(lines) >= 140
    assert set(routes) == {"sql", "vector", "hybrid", "clarify", "refuse"}
    assert routes["sql"] >= 80 and routes["vector"] >= 25 and routes["hybrid"] >= 10 and routes["refuse"] >= 10
    assert len({line["question"] for line in lines.values()}) == len(lines)


def test_the_four_seed_questions_are_there(lines: dict[str, dict[str, Any]]) -> None:
    seeds = [line for key, line in lines.items() if "-seed-" in key]
    assert len(seeds) == 4
    assert lines["sql-seed-sales-trends"]["chart"] is True
    assert lines["hybrid-seed-follow-up"]["drafts"] == 10


def test_the_flagship_expects_the_planted_accounts(world: World, lines: dict[str, dict[str, Any]]) -> None:
    expected = set(lines["hybrid-seed-flagship"]["expect"]["items"])
    assert expected == world.at_risk_this_quarter("Enterprise", "EMEA")


def test_expectations_have_the_shape_of_their_route(world: World, lines: dict[str, dict[str, Any]]) -> None:
    known = {d["doc_id"] for d in world.documents} | {f"support:{t['ticket_id']}" for t in world.tables["tickets"]}
    keys = {a.account_id for a in world.accounts} | {p["product_id"] for p in world.tables["products"]}
    for line in lines.values():
        expect = line["expect"]
        if line["route"] == "sql":
            assert expect["rows"] and all(len(r) == len(expect["rows"][0]) for r in expect["rows"]), line["id"]
        elif line["route"] in ("vector", "hybrid"):
            assert expect, line["id"]
            assert set(expect.get("doc_ids", [])) <= known, line["id"]
            assert set(expect.get("items", [])) <= keys, line["id"]
        else:
            assert expect == {}, line["id"]


def test_what_an_answer_should_say_stands_in_the_document(world: World, lines: dict[str, dict[str, Any]]) -> None:
    texts = {d["doc_id"]: " ".join(t for _, t in d["sections"]) for d in world.documents if "sections" in d}
    for line in lines.values():
        if line["route"] == "vector":
            for said in line["expect"].get("contains", []):
                assert any(said.lower() in texts[d].lower() for d in line["expect"]["doc_ids"]), line["id"]


@pytest.mark.parametrize("key", json.loads(CASES.read_text(encoding="utf-8")))
def test_sql_over_the_clean_tables_gives_the_same(
    key: str, lines: dict[str, dict[str, Any]], database: sqlite3.Connection
) -> None:
    expect = lines[key]["expect"]
    rows = [list(r) for r in database.execute(json.loads(CASES.read_text(encoding="utf-8"))[key])]
    wanted = expect["rows"]
    if not expect["ordered"]:
        rows, wanted = sorted(rows, key=str), sorted(wanted, key=str)
    assert len(rows) == len(wanted)
    for row, want in zip(rows, wanted, strict=True):
        assert row == pytest.approx(want, rel=1e-4) if _numeric(row) else same(row, want)


def _numeric(row: list[Any]) -> bool:
    return all(isinstance(v, int | float) for v in row)


def same(row: list[Any], want: list[Any]) -> bool:
    return all(
        a == pytest.approx(b, rel=1e-4) if isinstance(b, int | float) else a == b
        for a, b in zip(row, want, strict=True)
    )
