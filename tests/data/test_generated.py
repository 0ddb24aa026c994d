"""The questions made from templates: five hundred, all different, of every kind, none of them a golden question."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from data import golden
from data.generator.world import World
from data.golden.generated import COUNT


def test_there_are_five_hundred_different_ones_of_every_kind(world: World, sample: Path) -> None:
    written = golden.generated_lines(world)
    lines = [json.loads(line) for line in written.splitlines()]
    assert len(lines) == COUNT >= 500
    assert len({(line["question"], line.get("after")) for line in lines}) == COUNT
    routes = Counter(line["route"] for line in lines)
    assert routes["sql"] >= 250 and routes["vector"] >= 40 and routes["hybrid"] >= 40
    assert sum("after" in line for line in lines) >= 20
    known = {json.loads(line)["question"] for line in golden.COMMITTED.read_text("utf-8").splitlines()}
    assert len(known & {line["question"] for line in lines}) <= 5
    assert (sample / "generated.jsonl").read_text("utf-8") == written
