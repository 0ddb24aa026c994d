"""What pages show beside answers: example questions, what a citation leads to, and entities by a score.

Everything is read now, in the scope of who asks: what a citation leads to is not what it led to when it was made, and
a place that this scope does not show is `NotFoundError`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from api.encode import plain
from index.errors import NotFoundError, SqlRejected, UsageError

if TYPE_CHECKING:
    from api.audit import Trail
    from api.client.calls import Calls
    from api.service import Views
    from api.workspace import Workspace
    from index.catalogue.model import Catalogue, Entity, Score
    from index.scope import Scope
    from index.sql import Rows
    from query.answer import CitationView
    from query.evidence import EntityScore
    from query.parts import Parts

AROUND = 700  # characters of a document that are shown on each side of a passage
SHOWN_ROWS = 50
EXAMPLES = 5
STEPS = 2
MOST_AT_ONCE = 200
SORTS = ("score", "name", "due")


class WorkspaceViews:
    """Implements `api.service.Views` over an open workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._examples: dict[str, list[str]] = {}

    def examples(self, scope: Scope) -> list[str]:
        """Questions over what `scope` shows, each of which plans to an answer."""
        scope.require("ask")
        engine = self._workspace.engine(scope)
        key = f"{id(engine)} {scope.sight()}"
        if key not in self._examples:
            found = (q for q in _candidates(engine.parts.catalogue) if _answered(engine.plan(q, scope).route))
            self._examples = {key: [q for q, _ in zip(found, range(EXAMPLES), strict=False)], **self._examples}
            while len(self._examples) > MOST_AT_ONCE:
                self._examples.popitem()
        return self._examples[key]

    def citation(self, scope: Scope, number: int, *, answer: str = "", draft: str = "") -> dict[str, Any]:
        """What a citation leads to: `citation`, and a `row`, `rows`, `passage` or `score` where it can be shown."""
        from query.answer import CitationView

        if draft:
            held = self._workspace.drafts.get(scope, draft).get("citations") or []
            views = [CitationView.model_validate(one) for one in held]
        else:
            views = self._workspace.answer(answer, scope).citations
        view = next((one for one in views if one.n == number), None)
        if view is None:
            raise NotFoundError(f"there is no citation [{number}]", hint=f"they go from 1 to {len(views)}")
        return _shown(view, self._workspace.engine(scope).parts, scope)

    def at_risk(
        self,
        scope: Scope,
        score: str = "",
        *,
        sort: str = "-score",
        every: bool = False,
        skip: int = 0,
        limit: int = 25,
    ) -> dict[str, Any]:
        """Entities by a score; only a page of them is explained."""
        scope.require("ask")
        if sort.lstrip("-") not in SORTS:
            raise UsageError(f"cannot sort by {sort!r}", hint=f"one of {', '.join(SORTS)}, with - for descending")
        parts = self._workspace.engine(scope).parts
        declared = parts.catalogue.scores
        if not declared:
            raise NotFoundError("the catalogue declares no score", hint="docs/catalogue.md says how to declare one")
        chosen = next((one for one in declared if one.name == (score or declared[0].name)), None)
        if chosen is None:
            raise NotFoundError(f"no score {score!r}", hint=f"declared: {', '.join(one.name for one in declared)}")
        board = _Board(parts, scope, chosen)
        drafts = {(d["entity"], d["key"]): d for d in reversed(self._workspace.drafts.outlines(scope))}
        total, rows = board.page(sort, every, skip, min(limit, MOST_AT_ONCE))
        for row in rows:
            held = drafts.get((chosen.entity, row["key"]))
            row["draft"] = {"id": held["id"], "status": held["status"]} if held else None
        return {
            "score": chosen.name, "label": chosen.label, "description": chosen.description, "entity": chosen.entity,
            "threshold": chosen.threshold, "due_label": board.due_label, "as_of": parts.catalogue.date().isoformat(),
            "scores": [{"name": one.name, "label": one.label} for one in declared], "total": total, "rows": rows,
        }  # fmt: skip


class _Board:
    """The entities of one score, named, dated and in order."""

    def __init__(self, parts: Parts, scope: Scope, score: Score) -> None:
        entity = parts.catalogue.entity(score.entity)
        if entity is None:
            raise NotFoundError(f"the score {score.name!r} is about no entity of the catalogue")
        self._parts, self._scope, self._score = parts, scope, score
        self._names = self._named(entity)
        self._due = self._dated()
        self.due_label = _due_label(score, parts.catalogue) if self._due else ""

    def page(self, sort: str, every: bool, skip: int, limit: int) -> tuple[int, list[dict[str, Any]]]:
        """How many there are, and the rows of one page."""
        order: list[str] = []
        by, down = sort.lstrip("-"), sort.startswith("-")

        def keep(probabilities: Mapping[str, float]) -> Sequence[str]:
            held = [k for k, p in probabilities.items() if every or p >= self._score.threshold]
            held.sort()
            if by == "score":
                held.sort(key=lambda k: probabilities[k], reverse=down)
            elif by == "name":
                held.sort(key=lambda k: self._names[k].casefold(), reverse=down)
            else:  # who has no date comes last, either way
                held.sort(key=lambda k: self._due.get(k, ""), reverse=down)
                held.sort(key=lambda k: k not in self._due)
            order.extend(held)
            return held[skip : skip + limit]

        scored = self._parts.scorer.score(self._score.name, list(self._names), self._scope, keep)
        found = {one.key: one for one in scored}
        return len(order), [self._row(found[key]) for key in order[skip : skip + limit]]

    def _row(self, scored: EntityScore) -> dict[str, Any]:
        return {
            "key": scored.key, "name": self._names[scored.key], "score": round(scored.probability, 6),
            "at_risk": scored.probability >= self._score.threshold, "due": self._due.get(scored.key),
            "drivers": [{"text": c.text, "logit": round(c.logit, 6), "lower": c.lower} for c in scored.contributions],
            "next_steps": list(self._steps(scored)),
        }  # fmt: skip

    def _steps(self, scored: EntityScore) -> Iterator[dict[str, Any]]:
        for step in self._finder().find(scored, STEPS) if self._parts.passages is not None else ():
            yield {"text": step.text, "driver": step.driver, "doc_id": step.passage.doc_id, "title": step.passage.title}

    def _finder(self) -> Any:
        from query.scoring.next_steps import StepFinder

        if not hasattr(self, "_held"):
            assert self._parts.passages is not None
            self._held = StepFinder(self._parts.passages, self._scope)
        return self._held

    def _named(self, entity: Entity) -> dict[str, str]:
        """Every entity that the scope shows, by key; called by its key where its name is hidden."""
        for columns in ((entity.key, entity.name_column), (entity.key,)):
            listed = ", ".join(f'"{column}"' for column in columns)
            rows = _read(f'SELECT {listed} FROM "{entity.table}"', self._parts, self._scope)
            if rows is not None:
                return {str(row[0]): str(row[-1]) for row in rows.rows if row[0] is not None}
        return {}

    def _dated(self) -> dict[str, str]:
        """The next due date of each entity, as ISO."""
        from query.format import as_date
        from query.scoring import due_dates

        parts = self._parts
        evidence = due_dates(self._score, parts.reader, parts.catalogue, self._scope)
        found: dict[str, str] = {}
        for row in evidence.rows.rows if evidence is not None else ():
            day = as_date(row[1])
            if day is not None and day >= parts.catalogue.date():
                found[str(row[0])] = min(day.isoformat(), found.get(str(row[0]), "9999"))
        return found


def _due_label(score: Score, catalogue: Catalogue) -> str:
    from query.compose.sentences import due_label

    label = due_label(score, catalogue)
    return label[:1].upper() + label[1:]


def _read(sql: str, parts: Parts, scope: Scope) -> Rows | None:
    from api.workspace import MOST_ENTITIES
    from index.guard.guard import guard

    try:
        return parts.reader.read(guard(sql, parts.catalogue, scope, dialect=parts.reader.dialect, limit=MOST_ENTITIES))
    except SqlRejected:
        return None


# --- citations -------------------------------------------------------------------------------------------------------


def _shown(view: CitationView, parts: Parts, scope: Scope) -> dict[str, Any]:
    from query.evidence import Citation
    from query.proof.reread import TableRereader

    cited: dict[str, Any] = {name: value for name, value in plain(view).items() if value is not None}
    found: dict[str, Any] = {"citation": cited}
    citation = Citation(**{name: value for name, value in view.model_dump().items() if name in Citation.__match_args__})
    if view.doc_id and parts.documents is not None:
        found["passage"] = _passage(view, parts, scope)
    elif view.kind == "score":
        found["score"] = _scored(view, parts, scope)
    elif view.table or view.sql:
        rows = TableRereader(parts.reader, parts.catalogue, scope).rows(citation, limit=SHOWN_ROWS)
        if rows is None:
            found["gone"] = "The place that this leads to is not there any more, or not shown to you."
        elif view.kind == "aggregate":
            found["rows"] = {"columns": list(rows.columns), "rows": plain([list(row) for row in rows.rows])}
        else:
            found["row"] = _row(view, rows, parts.catalogue)
    return found


def _row(view: CitationView, rows: Rows, catalogue: Catalogue) -> dict[str, Any]:
    """The row around a cell: its columns with their labels, as they are written, and which one is cited."""
    from query.format import auto

    table = catalogue.table(view.table or "")
    cells = []
    for name, value in zip(rows.columns, rows.rows[0], strict=True):
        column = table.column(name) if table else None
        cited = name == view.column
        cells.append(
            {
                "name": name,
                "label": column.label if column else name,
                "text": "" if value is None else (auto(value, column.unit if column else "") or str(value)),
                "cited": cited,
                "changed": cited and plain(value) != plain(view.value),
            }
        )
    return {"table": view.table, "label": table.label if table else view.table, "key": view.key, "cells": cells}


def _passage(view: CitationView, parts: Parts, scope: Scope) -> dict[str, Any]:
    """The passage in its document, with what stands before and after it."""
    assert parts.documents is not None and view.doc_id is not None
    document = parts.documents.document(view.doc_id, scope)
    start, end = view.start or 0, view.end or 0
    first, last = max(0, start - AROUND), min(len(document.text), end + AROUND)
    before, after = document.text[first:start], document.text[end:last]
    if first:
        before = "… " + before.partition(" ")[2]
    if last < len(document.text):
        after = after.rpartition(" ")[0] + " …"
    return {
        "doc_id": document.doc_id, "title": document.title, "source": document.source, "date": document.date,
        "before": before, "text": document.text[start:end], "after": after,
        "changed": view.kind == "passage" and view.quote is not None and document.text[start:end] != view.quote,
    }  # fmt: skip


def _scored(view: CitationView, parts: Parts, scope: Scope) -> dict[str, Any]:
    """The score with its contributions; of a count of scores only what it counts."""
    declared = next((one for one in parts.catalogue.scores if one.name == view.table), None)
    label = declared.label if declared else str(view.table)
    if view.key is None or declared is None:
        return {"label": label, "counted": True}
    found = parts.scorer.score(declared.name, [view.key], scope)
    if not found:
        return {"label": label, "gone": True}
    return {
        "label": label, "key": view.key, "probability": found[0].probability, "version": found[0].model_version,
        "threshold": declared.threshold, "as_of": found[0].as_of.isoformat(),
        "drivers": [{"text": c.text, "logit": c.logit, "lower": c.lower} for c in found[0].contributions],
    }  # fmt: skip


# --- example questions -----------------------------------------------------------------------------------------------


def _candidates(catalogue: Catalogue) -> Iterator[str]:
    """Questions that the words of a catalogue make up: risk, figures over time, counts by a dimension."""
    kinds = [_of_scores(catalogue), _of_metrics(catalogue), _of_entities(catalogue), _of_tables(catalogue)]
    while kinds:  # one of each kind in turn, so that the first few show what there is
        for kind in list(kinds):
            question = next(kind, None)
            if question is None:
                kinds.remove(kind)
            else:
                yield question


def _of_scores(catalogue: Catalogue) -> Iterator[str]:
    for score in catalogue.scores:
        entity = catalogue.entity(score.entity)
        called = _many(entity.synonyms[0] if entity and entity.synonyms else score.entity)
        said = score.synonyms[0] if score.synonyms else f"with a {score.label.lower()}"
        if entity is not None and entity.contact:
            yield f"Which {called} are {said}, why, and draft an e-mail for each of the top 3?"
        yield f"Which {called} are {said}?"


def _of_metrics(catalogue: Catalogue) -> Iterator[str]:
    for metric in catalogue.metrics:
        if metric.time:
            yield f"{metric.label} by month, with a chart"


def _of_entities(catalogue: Catalogue) -> Iterator[str]:
    for known in catalogue.entities:
        table = catalogue.table(known.table)
        called = _many(known.synonyms[0] if known.synonyms else known.name)
        grouped = [c for c in table.columns if c.role == "dimension" and 2 <= len(c.values) <= 8] if table else []
        yield from (f"How many {called} do we have by {column.label.lower()}?" for column in grouped[:1])
        yield f"How many {called} do we have?"


def _of_tables(catalogue: Catalogue) -> Iterator[str]:
    for table in catalogue.tables:
        yield f"How many {table.label.lower()} are there?"


def _many(word: str) -> str:
    return word if word.endswith("s") else f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"


def _answered(route: Any) -> bool:
    return route.path in ("sql", "vector", "hybrid")


# --- around them -----------------------------------------------------------------------------------------------------


class AuditedViews:
    """Implements `api.service.Views` over `inner`; a record stands for what was shown."""

    def __init__(self, inner: Views, trail: Trail) -> None:
        self._inner = inner
        self._trail = trail

    def examples(self, scope: Scope) -> list[str]:
        """Questions that this workspace can answer."""
        with self._trail.operation("examples", scope.principal.name):
            return self._inner.examples(scope)

    def citation(self, scope: Scope, number: int, *, answer: str = "", draft: str = "") -> dict[str, Any]:
        """What a citation leads to."""
        owner = {"answer_id": answer[:64]} if answer else {"drafts": [draft[:64]]}
        with self._trail.operation("read_citation", scope.principal.name, **owner) as found:
            shown = self._inner.citation(scope, number, answer=answer, draft=draft)
            cited = shown["citation"]
            found["tables"] = [cited["table"]] if "table" in cited else []
            found.update(self._trail.resources("document", [cited["doc_id"]] if "doc_id" in cited else []))
        return shown

    def at_risk(
        self,
        scope: Scope,
        score: str = "",
        *,
        sort: str = "-score",
        every: bool = False,
        skip: int = 0,
        limit: int = 25,
    ) -> dict[str, Any]:
        """Entities by a score."""
        with self._trail.operation("at_risk", scope.principal.name) as found:
            shown = self._inner.at_risk(scope, score, sort=sort, every=every, skip=skip, limit=limit)
            found["counts"] = {"scores": len(shown["rows"])}
            found.update(self._trail.resources("entity", [row["key"] for row in shown["rows"]]))
        return shown


class RemoteViews:
    """Implements `api.service.Views` over HTTP."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def examples(self, scope: Scope) -> list[str]:
        """Questions that this workspace can answer."""
        found: list[str] = self._call("/v1/examples", scope)["questions"]
        return found

    def citation(self, scope: Scope, number: int, *, answer: str = "", draft: str = "") -> dict[str, Any]:
        """What a citation leads to."""
        from api.client.calls import percent_encoded

        owner = f"drafts/{percent_encoded(draft)}" if draft else f"answers/{percent_encoded(answer)}"
        return dict(self._call(f"/v1/{owner}/citations/{number}", scope))

    def at_risk(
        self,
        scope: Scope,
        score: str = "",
        *,
        sort: str = "-score",
        every: bool = False,
        skip: int = 0,
        limit: int = 25,
    ) -> dict[str, Any]:
        """Entities by a score."""
        from api.client.calls import percent_encoded

        asked = f"score={percent_encoded(score)}&sort={sort}&every={str(every).lower()}&skip={skip}&limit={limit}"
        return dict(self._call(f"/v1/at-risk?{asked}", scope))

    def _call(self, path: str, scope: Scope) -> Any:
        return self._calls.call("GET", path, None, user=scope.principal.name)
