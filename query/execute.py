"""Runs the steps of a plan in order and keeps what each one found, as evidence values."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from index.catalogue.model import Catalogue, Entity
from index.documents import Passage
from index.errors import SqlRejected
from index.guard.guard import guard
from index.scope import Scope
from index.sql import Rows, SqlReader, Value
from index.vectors.gateway import Narrow
from query.evidence import EntityScore, PassageEvidence, TableEvidence
from query.plan import ChartStep, DraftStep, ImageStep, Plan, ProfileStep, ScoreStep, SearchStep, SqlStep, Step
from query.planning.relevance import relevant
from query.proof.prove import counted
from query.proof.provenance import Keyed, key_text, keyed
from query.proof.selfcheck import SelfCheck
from query.scoring import Keep, due_dates
from query.scoring.stated import stated_values

MOST_ROWS = 1000

EVERYTHING = Narrow()
GENERAL_ENOUGH = 0.35  # cosine from which a guide or policy speaks of a question
Notify = Callable[[str, Mapping[str, object]], None]


class PassageSearch(Protocol):
    """What execution needs of the passage index."""

    def search(
        self, query: str, scope: Scope, *, k: int = 8, narrow: Narrow = EVERYTHING, per_document: int = 3
    ) -> tuple[Passage, ...]:
        """The best passages for `query` within `scope` and `narrow`."""
        ...


class Scorer(Protocol):
    """Scores entities with the live model of a declared score; raises `NotFoundError` when there is none."""

    def score(self, name: str, keys: Sequence[str], scope: Scope, keep: Keep | None = None) -> tuple[EntityScore, ...]:
        """Scores of the entities of `keys` that are in the score's population today; with `keep` only of those that it
        chooses by their probabilities, for reasons and rows cost time."""
        ...

    def due(self, name: str, start: str, end: str, scope: Scope) -> frozenset[str]:
        """Keys of the entities whose due date lies in the half-open range of ISO dates."""
        ...


@dataclass(frozen=True)
class Item:
    """One entity of an answer with what was found about it."""

    entity: str
    key: str
    name: str
    score: EntityScore | None = None
    passages: tuple[Passage, ...] = ()


@dataclass
class Findings:
    """Everything the steps found, by step id; `items` is the last list of entities that a step left."""

    tables: dict[str, TableEvidence] = field(default_factory=dict)
    passages: dict[str, PassageEvidence] = field(default_factory=dict)
    items: tuple[Item, ...] = ()
    notices: list[str] = field(default_factory=list)
    drafts: DraftStep | None = None
    images: ImageStep | None = None
    chart: ChartStep | None = None
    scores: ScoreStep | None = None
    searched: SearchStep | None = None
    profile: ProfileStep | None = None
    population: int = 0


@dataclass(frozen=True)
class Executor:
    """Runs plans for one scope."""

    catalogue: Catalogue
    reader: SqlReader
    passages: PassageSearch | None
    scorer: Scorer
    scope: Scope
    today: dt.date

    def run(self, plan: Plan, notify: Notify) -> Findings:
        """Run every step of `plan`; `notify` is told what each one found as it is found."""
        found = Findings()
        for step in plan.steps:
            self._step(step, found, notify)
        return found

    def _step(self, step: Step, found: Findings, notify: Notify) -> None:
        if isinstance(step, SqlStep):
            self._sql(step, found, notify)
        elif isinstance(step, ScoreStep):
            self._score(step, found)
        elif isinstance(step, SearchStep):
            self._search(step, found, notify)
        elif isinstance(step, ProfileStep):
            found.profile = step
        elif isinstance(step, DraftStep):
            found.drafts = step
        elif isinstance(step, ImageStep):
            found.images = step
        else:
            found.chart = step

    def _sql(self, step: SqlStep, found: Findings, notify: Notify) -> None:
        reading = step.reading
        evidence = read_evidence(step, self.catalogue, self.reader, self.scope)
        rows = evidence.rows
        if rows.truncated and step.purpose == "answer":
            whole = f"{evidence.total:,} rows" if evidence.total is not None else "more rows than these"
            found.notices.append(f"The result has {whole}; the first {MOST_ROWS:,} are given.")
        found.tables[step.id] = evidence
        if step.purpose == "answer":
            found.notices += SelfCheck(self.catalogue, self.reader, self.scope).notices(reading.sql, rows)
        notify("rows", {"step": step.id, "columns": list(rows.columns), "count": len(rows.rows)})
        if step.purpose == "population":
            found.items = self._items(evidence, reading.entity)
            found.population = len(found.items)
            if rows.truncated:
                found.notices.append(f"only the first {MOST_ROWS} matching entities were looked at")

    def _items(self, evidence: TableEvidence, entity_name: str | None) -> tuple[Item, ...]:
        entity = self.catalogue.entity(entity_name or "")
        if entity is None or evidence.key_column is None:
            return ()
        keys = evidence.column(evidence.key_column)
        names = _names(evidence.rows, entity, keys)
        unique = dict(zip((str(k) for k in keys if k is not None), names, strict=False))
        return tuple(Item(entity.name, key, name) for key, name in unique.items())

    def _score(self, step: ScoreStep, found: Findings) -> None:
        found.scores = step
        score = next(s for s in self.catalogue.scores if s.name == step.score)
        threshold = score.threshold
        dates = due_dates(score, self.reader, self.catalogue, self.scope)
        if dates is not None:
            found.tables[dates.id] = dates
        stated = stated_values(score, self.reader, self.catalogue, self.scope)
        if stated is not None:
            found.tables[stated.id] = stated
        due = self.scorer.due(step.score, *step.due, self.scope) if step.due else None

        def keep(probabilities: Mapping[str, float]) -> Sequence[str]:
            told = (
                k
                for k, p in probabilities.items()
                if (due is None or k in due) and (not step.at_risk or p >= threshold)
            )
            return sorted(told, key=lambda k: (-probabilities[k], k))[: step.top]

        keys = [item.key for item in found.items]
        scores = {s.key: s for s in self.scorer.score(step.score, keys, self.scope, keep)}
        kept = [
            replace(item, score=scores[item.key])
            for item in found.items
            if item.key in scores and (due is None or item.key in due)
        ]
        if not step.at_risk and step.due is None and step.top is None:
            kept += [item for item in found.items if item.key not in scores]  # named ones stay, scored or not
        if step.at_risk:
            kept = [item for item in kept if item.score is not None and item.score.probability >= threshold]
        kept.sort(key=lambda item: (-(item.score.probability if item.score else 0.0), item.key))
        found.items = tuple(kept[: step.top] if step.top is not None else kept)

    def passages_of(self, step: SearchStep, found: Findings) -> tuple[str, tuple[Passage, ...]]:
        """What was searched for, and what was found."""
        assert self.passages is not None
        narrow = Narrow(sources=step.sources)
        if step.keys_from is None and step.general:
            own = self.passages.search(step.query, self.scope, k=step.k, narrow=replace(narrow, general=True))
            if own and own[0].relevance >= GENERAL_ENOUGH:
                return step.query, own
        if step.keys_from is None:
            return step.query, self.passages.search(step.query, self.scope, k=step.k, narrow=narrow)
        keys = tuple(f"{item.entity}:{item.key}" for item in found.items)
        own = self.passages.search(step.query, self.scope, k=step.k, narrow=replace(narrow, entities=keys))
        if not own and step.sources:
            own = self.passages.search(step.query, self.scope, k=step.k, narrow=Narrow(entities=keys))
        if not step.general:
            return step.query, own
        evidence = found.tables[step.keys_from]
        words = _values(evidence, self.catalogue.entity(evidence.entity or ""))
        query = " ".join((step.query, *words))
        general = self.passages.search(query, self.scope, k=step.k, narrow=Narrow(general=True))
        return query, (*general, *own)

    def _search(self, step: SearchStep, found: Findings, notify: Notify) -> None:
        if self.passages is None:
            found.notices.append("no documents are indexed here")
            return
        query, passages = self.passages_of(step, found)
        found.searched = step
        if step.require:
            passages = relevant(step.query, passages)
            found.items = _joined(found.items, passages)
        found.passages[step.id] = PassageEvidence(step.id, query, passages, step.purpose)
        notify("passages", {"step": step.id, "count": len(passages)})


def read_evidence(step: SqlStep, catalogue: Catalogue, reader: SqlReader, scope: Scope) -> TableEvidence:
    """What the query of a step finds. The keys of its rows are read with it where it leaves them out and the scope
    shows them; of a result that is cut off, the rows are counted."""
    reading, wanted = step.reading, keyed(step.reading.sql, catalogue)
    rows, query = None, None
    keys: dict[str, tuple[str | None, ...]] = {}
    if wanted.places:
        try:
            query = guard(wanted.sql, catalogue, scope, dialect=reader.dialect, limit=MOST_ROWS)
            rows, keys = _split(reader.read(query), wanted)
        except SqlRejected:
            query = None
    if query is None or rows is None:
        query = guard(reading.sql, catalogue, scope, dialect=reader.dialect, limit=MOST_ROWS)
        rows = reader.read(query)
    total = _counted(reading.sql, catalogue, reader, scope) if rows.truncated else None
    return TableEvidence(
        step.id, reading.sql, query.sql, rows, query.tables, step.purpose, reading.entity, reading.key_column,
        keys=keys, total=total,
    )  # fmt: skip


def _split(found: Rows, wanted: Keyed) -> tuple[Rows, dict[str, tuple[str | None, ...]]]:
    """The rows as they are shown, and the keys that were read with them."""
    shown = Rows(found.columns[: wanted.columns], tuple(r[: wanted.columns] for r in found.rows), found.truncated)
    keys = {
        table: tuple(None if any(r[p] is None for p in places) else key_text(r[p] for p in places) for r in found.rows)
        for table, places in wanted.places.items()
    }
    return shown, keys


def _counted(sql: str, catalogue: Catalogue, reader: SqlReader, scope: Scope) -> int | None:
    try:
        rows = reader.read(guard(counted(sql), catalogue, scope, dialect=reader.dialect)).rows
    except SqlRejected:
        return None
    return int(str(rows[0][0])) if rows else None


def _names(rows: Rows, entity: Entity, keys: Sequence[Value]) -> list[str]:
    if entity.name_column in rows.columns:
        at = rows.columns.index(entity.name_column)
        return [str(row[at]) if row[at] is not None else str(key) for row, key in zip(rows.rows, keys, strict=True)]
    return [str(key) for key in keys]


def _values(evidence: TableEvidence, entity: Entity | None) -> list[str]:
    """The values of a result beside key and name: more words for a search."""
    own = {entity.key, entity.name_column} if entity else set()
    return [str(v) for c in evidence.rows.columns if c not in own for v in evidence.column(c) if v is not None]


def _joined(items: Sequence[Item], passages: Sequence[Passage]) -> tuple[Item, ...]:
    """The items with a passage about them, each with its passages, best first."""
    kept: dict[str, Item] = {}
    by_key = {item.key: item for item in items}
    for passage in passages:
        for entity, keys in passage.entities.items():
            for key in keys:
                item = by_key.get(key)
                if item is not None and item.entity == entity:
                    had = kept.get(key, item)
                    kept[key] = replace(had, passages=(*had.passages, passage))
    return tuple(kept.values())
