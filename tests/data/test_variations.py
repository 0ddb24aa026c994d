"""The variations of the four seed questions: enough of them, all different, none of them a golden question."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from data import golden
from data.generator.world import World


def test_there_are_at_least_forty_with_an_expectation_each(world: World, sample: Path) -> None:
    lines = [json.loads(line) for line in golden.variation_lines(world).splitlines()]
    assert len(lines) >= 40
    assert all(line["expect"] for line in lines)
    known = {json.loads(line)["question"] for line in golden.COMMITTED.read_text("utf-8").splitlines()}
    assert len({line["question"] for line in lines} - known) == len(lines)
    assert len({line["id"] for line in lines}) == len(lines)
    assert (sample / "variations.jsonl").read_text("utf-8") == golden.variation_lines(world)


def test_every_seed_question_is_varied(world: World) -> None:
    ids = [json.loads(line)["id"] for line in golden.variation_lines(world).splitlines()]
    kinds = Counter(name.split("-")[1] for name in ids)
    assert kinds.keys() == {"risk", "trend", "mail", "summer"}
    assert min(kinds.values()) >= 5
