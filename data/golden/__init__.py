"""Golden questions: what people ask the sample company's data, with the results that the truth behind it gives.

One JSON line a question: `{"id", "question", "route", "expect"}`.
For route sql, `expect` holds `rows` (the essential cells of every row), `ordered`, and `alternatives` where a second
reading is as good; for vector, `doc_ids` (one of them is cited) and `contains` (stands in the answer); for hybrid,
`items` (keys of exactly these entities) or `doc_ids` and `contains`; clarify and refuse expect nothing.
`chart`, `drafts` (how many) and `images` stand beside `expect` where the answer has them; `after` is the question that
a follow-up comes after.
"""

from __future__ import annotations

import json
from pathlib import Path

from data.generator.world import World
from data.golden import behaviour, generated, money, passages, people, shop, variations
from data.golden.facts import Facts
from data.golden.question import Question

COMMITTED = Path(__file__).parent.parent / "golden.jsonl"
"""The reviewed copy, for the generator's default seed."""


def questions(world: World) -> list[Question]:
    """Every golden question with its expectation from the truth `world`, in a fixed order."""
    facts = Facts(world)
    return [q for part in (people, shop, money, behaviour, passages) for q in part.questions(facts)]


def lines(world: World) -> str:
    """The golden questions as JSON lines."""
    return _lines(questions(world))


def variation_lines(world: World) -> str:
    """The variations of the seed questions as JSON lines."""
    return _lines(variations.questions(Facts(world)))


def generated_lines(world: World) -> str:
    """The questions made from templates as JSON lines."""
    return _lines(generated.questions(Facts(world)))


def _lines(asked: list[Question]) -> str:
    return "".join(json.dumps(q.line(), ensure_ascii=False) + "\n" for q in asked)
