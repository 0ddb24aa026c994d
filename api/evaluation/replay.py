"""What changed between an answer and the same question asked again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any

from pydantic import BaseModel, Field

from api.encode import to_json
from query.answer import Answer, SqlView

SHOWN = 10  # rows of a kind that are written out
SCORE_STEP = 0.005  # a smaller change of a score is none


class Replay(BaseModel):
    """The answer `answer_id` asked again: `same` when nothing that it says or rests on changed, else a line for each
    change."""

    answer_id: str
    same: bool
    changes: list[str] = Field(default_factory=list)
    answer: Answer


def replayed(before: Answer, after: Answer) -> Replay:
    """`after` beside `before`: way, generation, queries, rows, entities with their scores, passages."""
    changes = [
        *_told("date", before.as_of, after.as_of),
        *_told("generation of the vector index", before.generation, after.generation),
        *_told("way", before.route.path, after.route.path),
        *_queries(before.sql, after.sql),
        *_items(before, after),
        *_passages(before, after),
    ]
    if not changes and _text(before) != _text(after):
        changes.append("the wording of the answer")
    return Replay(answer_id=before.id, same=not changes, changes=changes, answer=after)


def _told(what: str, before: str, after: str) -> Iterator[str]:
    if before != after:
        yield f"{what}: {before or 'none'} → {after or 'none'}"


def _queries(before: Sequence[SqlView], after: Sequence[SqlView]) -> Iterator[str]:
    for number, (old, new) in enumerate(zip_longest(before, after), 1):
        if old is None or new is None:
            yield f"query {number}: {'is new' if old is None else 'is gone'}"
            continue
        yield from _told(f"query {number}", old.text, new.text)
        yield from _told(f"columns of query {number}", ", ".join(old.columns), ", ".join(new.columns))
        yield from _rows(number, old.rows, new.rows)


def _rows(number: int, before: Sequence[Sequence[Any]], after: Sequence[Sequence[Any]]) -> Iterator[str]:
    old, new = (Counter(to_json(row) for row in rows) for rows in (before, after))
    for what, rows in (("gone from", old - new), ("new in", new - old)):
        found = sorted(rows.elements())
        yield from (f"{what} query {number}: {row}" for row in found[:SHOWN])
        if len(found) > SHOWN:
            yield f"{what} query {number}: {len(found) - SHOWN} rows more"


def _items(before: Answer, after: Answer) -> Iterator[str]:
    old, new = ({(item.entity, item.key): item for item in answer.items} for answer in (before, after))
    yield from (f"no longer listed: {old[key].name or key[1]}" for key in old if key not in new)
    yield from (f"newly listed: {new[key].name or key[1]}" for key in new if key not in old)
    for key in old.keys() & new.keys():
        first, last = old[key], new[key]
        if abs((first.score or 0) - (last.score or 0)) >= SCORE_STEP:
            yield f"score of {last.name or key[1]}: {first.score or 0:.3f} → {last.score or 0:.3f}"
        yield from _told(f"model of {last.name or key[1]}", first.model_version or "", last.model_version or "")


def _passages(before: Answer, after: Answer) -> Iterator[str]:
    old, new = ({(p.doc_id, p.start, p.end): p for p in answer.passages} for answer in (before, after))
    yield from (f"passage no longer used: {doc} [{start}-{end}]" for doc, start, end in old.keys() - new.keys())
    yield from (f"passage newly used: {doc} [{start}-{end}]" for doc, start, end in new.keys() - old.keys())
    for key in old.keys() & new.keys():
        if old[key].text != new[key].text:
            yield f"passage changed: {key[0]} [{key[1]}-{key[2]}]"


def _text(answer: Answer) -> str:
    return " ".join(answer.answer.split())
