"""Random points, scopes and narrowings for a vector gateway, from a seed, with an oracle of their own."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from index.scope import Principal, Scope
from index.vectors.gateway import Narrow, Point, SparseVector, VectorGateway

DIMENSION = 8
TAGS = ("crm", "support", "contracts", "EMEA", "APAC", "EMEA,APAC", "public", "*", "")
ENTITIES = (*(f"{kind}:{n}" for kind in ("account", "product") for n in range(6)), "account:a,b", "other:1")
DAYS = tuple(f"2026-0{month}-{day}" for month in range(1, 7) for day in (10, 20))
TERMS = 12


@dataclass(frozen=True)
class Question:
    """One search."""

    scope: Scope
    narrow: Narrow
    dense: np.ndarray | None
    sparse: SparseVector | None
    limit: int


def points(seed: int, count: int) -> list[Point]:
    """Points with any mix of tags, none too, and of subjects."""
    chance = random.Random(seed)
    return [
        Point(
            chunk_id=f"doc{at // 2}#{at % 2}", doc_id=f"doc{at // 2}", source=chance.choice(("crm", "mail", "wiki")),
            tags=tuple(chance.sample(TAGS, chance.choice((0, 1, 1, 2, 3)))),
            entities=tuple(chance.sample(ENTITIES, chance.choice((0, 0, 1, 1, 2)))),
            date=chance.choice((*DAYS, "")), hash=f"h{at}", dense=_direction(chance), sparse=_words(chance),
        )
        for at in range(count)
    ]  # fmt: skip


def questions(seed: int) -> Iterator[Question]:
    """Endless searches; most scopes see a part, some nothing, some everything."""
    chance = random.Random(seed)
    while True:
        legs = chance.choice((1, 2, 3))
        yield Question(
            _scope(chance),
            _narrow(chance),
            _direction(chance) if legs & 1 else None,
            _words(chance) if legs & 2 else None,
            chance.choice((1, 5, 1000)),
        )


def allowed(point: Point, scope: Scope) -> bool:
    """What policy says of a point, written down a second time."""
    if not any(tag in scope.tags for tag in point.tags):
        return False
    if not scope.follows or any(tag in scope.unconditional and tag in scope.tags for tag in point.tags):
        return True
    return all(entity in scope.about for entity in point.entities)


def wanted(point: Point, narrow: Narrow) -> bool:
    """What the question says of a point."""
    inside = not (narrow.since or narrow.until) or (
        point.date != "" and narrow.since <= point.date and (not narrow.until or point.date <= narrow.until)
    )
    return (
        inside
        and (not narrow.sources or point.source in narrow.sources)
        and (narrow.entities is None or any(entity in narrow.entities for entity in point.entities))
        and (narrow.doc_ids is None or point.doc_id in narrow.doc_ids)
        and (not narrow.general or not point.entities)
    )


def faults(gateway: VectorGateway, held: dict[str, Point], asked: Question) -> list[str]:
    """What is wrong with the hits of one search: foreign ones, ones that were not asked for, ones that are missing."""
    hits = gateway.search(asked.scope, asked.dense, asked.sparse, narrow=asked.narrow, limit=asked.limit)
    found = [f"foreign: {hit.chunk_id}" for hit in hits if not allowed(held[hit.chunk_id], asked.scope)]
    found += [f"not asked for: {hit.chunk_id}" for hit in hits if not wanted(held[hit.chunk_id], asked.narrow)]
    if asked.limit >= len(held) and asked.dense is not None:
        due = {p.chunk_id for p in held.values() if allowed(p, asked.scope) and wanted(p, asked.narrow)}
        found += [f"missing: {chunk}" for chunk in sorted(due - {hit.chunk_id for hit in hits})]
    return [f"{fault} for {asked.scope} {asked.narrow}" for fault in found]


def _scope(chance: random.Random) -> Scope:
    tags = frozenset(chance.sample(TAGS, chance.choice((0, 1, 1, 2, 3, len(TAGS)))))
    if chance.random() < 0.5:
        return Scope(Principal("random"), {}, tags)
    about = frozenset(chance.sample(ENTITIES, chance.randint(0, len(ENTITIES))))
    free = (
        frozenset(chance.sample(sorted(tags), chance.randint(0, len(tags)))) if chance.random() < 0.5 else frozenset()
    )
    return Scope(Principal("random"), {}, tags, follows=frozenset({"account"}), about=about, unconditional=free)


def _narrow(chance: random.Random) -> Narrow:
    if chance.random() < 0.4:
        return Narrow()
    return Narrow(
        sources=tuple(chance.sample(("crm", "mail", "wiki"), chance.choice((0, 0, 1, 2)))),
        entities=tuple(chance.sample(ENTITIES, chance.randint(0, 5))) if chance.random() < 0.3 else None,
        doc_ids=tuple(f"doc{chance.randrange(150)}" for _ in range(5)) if chance.random() < 0.15 else None,
        since=chance.choice((*DAYS, "", "")) if chance.random() < 0.3 else "",
        until=chance.choice((*DAYS, "", "")) if chance.random() < 0.3 else "",
        general=chance.random() < 0.1,
    )


def _direction(chance: random.Random) -> np.ndarray:
    vector = np.array([chance.gauss(0, 1) for _ in range(DIMENSION)], dtype=np.float32)
    return vector / np.linalg.norm(vector)


def _words(chance: random.Random) -> SparseVector:
    indices = tuple(sorted(chance.sample(range(TERMS), chance.randint(1, 4))))
    return SparseVector(indices, tuple(chance.choice((0.5, 1.0, 1.5)) for _ in indices))
