"""Question to `Plan`: intent, readings over tables, route, steps. Reads names and values through the scope, runs
nothing that answers."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from index.catalogue import Catalogue, Entity
from index.errors import EmptyQuestion
from query.intent import Intent, read_intent
from query.plan import (
    ChartStep,
    DraftStep,
    ImageStep,
    Link,
    Plan,
    Reading,
    Route,
    ScoreStep,
    SearchStep,
    SqlStep,
    Step,
)
from query.router import RouteFeatures, route
from query.text2sql.periods import Period, read_time
from query.text2sql.thesaurus import FUNCTION_WORDS

_TOP = re.compile(r"\b(?:top\s+)?(\d{1,3})\b(?=\s+\w)")
_MOST = re.compile(r"\b(?:most|highest|greatest|biggest)\b", re.I)
_WORD = re.compile(r"\w", re.UNICODE)
_TREND_WORDS = re.compile(
    r"\b(?:summari[sz]e|describe|explain|show|me|the|trends?|develop(?:ed|ment)|evol(?:ved?|ution)|over time|"
    r"how (?:did|have|has|do|are))\b",
    re.I,
)


class TableReader(Protocol):
    """What planning needs of the table planner (`query.text2sql.planner.TableQuestionPlanner`)."""

    def plan(self, question: str, *, subject: str | None = None, limit: int = 5) -> tuple[Reading, ...]:
        """Readings, best first."""
        ...

    def links(self, question: str) -> tuple[Link, ...]:
        """Words of the question tied to the catalogue."""
        ...

    def unknown_words(self, question: str) -> tuple[str, ...]:
        """Content words that nothing explains."""
        ...


@dataclass(frozen=True)
class Planner:
    """Plans questions for one scope. `probe` gives the cosine of the passage nearest to a text (0 with none)."""

    catalogue: Catalogue
    tables: TableReader
    probe: Callable[[str], float]

    def plan(self, question: str) -> Plan:
        """The plan of `question`; raises `EmptyQuestion` when it has no word in it."""
        if not _WORD.search(question):
            raise EmptyQuestion(
                "the question is empty", hint='ask in words, for example "How many open tickets are there?"'
            )
        intent = read_intent(question, self.catalogue)
        if intent.score is not None:
            return self._scored(intent)
        if intent.draft is not None:
            return self._drafted(intent)
        if (intent.trend and intent.chart) or (intent.trend and _asks_summary(intent.body)):
            trend = self._trend(intent)
            if trend is not None:
                return trend
        joined = self._joined(intent)
        return joined or self._plain(intent)

    # --- several steps -------------------------------------------------------------------------------------------

    def _scored(self, intent: Intent) -> Plan:
        score = intent.score
        assert score is not None
        period = self._period(intent.body) if score.due or score.due_sql else None
        body = _without(intent.body, period)
        top = _top(intent)
        if top is not None:
            body = _MOST.sub(" ", _TOP.sub(" ", body, count=1))
        population = self._population(body, score.entity)
        named = _names_one(population, self.catalogue.entity(score.entity))
        steps: list[Step] = [
            SqlStep("population", population, "population"),
            ScoreStep(
                "scores",
                score.name,
                "population",
                at_risk=not named and top is None,
                due=_bounds(period) if period else None,
                due_text=period.label if period else "",
                top=top,
            ),
        ]
        if intent.draft is not None:
            steps.append(DraftStep("drafts", intent.draft, score.entity, "scores", intent.pictures, intent.topics))
        if intent.chart:
            steps.append(ChartStep("chart", "scores"))
        return self._stepped(intent, tuple(steps), population)

    def _drafted(self, intent: Intent) -> Plan:
        assert intent.draft is not None
        entity = intent.draft_entity or self._entity_of(intent.body)
        if entity is None:
            return self._clarify(intent, "Whom should the draft be for? Name a customer, or say which customers.")
        population = self._population(intent.body, entity)
        steps: list[Step] = [
            SqlStep("population", population, "population"),
            DraftStep("drafts", intent.draft, entity, "population", intent.pictures, intent.topics),
        ]
        if intent.lifestyle:
            steps.append(ImageStep("images", entity, "population"))
        return self._stepped(intent, tuple(steps), population)

    def _stepped(self, intent: Intent, steps: tuple[Step, ...], population: Reading) -> Plan:
        features = RouteFeatures(intent.question, population.confidence, 0, False, 0, 0, steps=True, joined=False)
        return Plan(intent.question, route(features), steps)

    def _trend(self, intent: Intent) -> Plan | None:
        """A measure over time: the series itself, its total, and the total of the period before it."""
        period = self._period(intent.body)
        base = _TREND_WORDS.sub(" ", _without(intent.body, period))
        grain = _grain(period)
        series = self.tables.plan(f"{base} by {grain} {_between(period)}".strip())
        if not series or not series[0].y:
            return None
        steps: list[Step] = [SqlStep("series", replace(series[0], title=intent.body))]
        if period is not None:
            for name, when in (("total", period), ("before", period.previous())):
                reading = self.tables.plan(f"total {base} {_between(when)}")
                if reading and not reading[0].x:
                    steps.append(SqlStep(name, reading[0], name))
        steps.append(ChartStep("chart", "series"))
        made = route(RouteFeatures(intent.question, series[0].confidence, 0, False, 0, 0, steps=False, joined=False))
        return Plan(intent.question, replace(made, path="sql", reason="a measure over time"), tuple(steps))

    def _period(self, text: str) -> Period | None:
        """The first period that `text` names, bounded on both sides."""
        periods = read_time(text, self.catalogue.date(), self.catalogue.fiscal_year_start).periods
        return next((p for p in periods if p.since is not None and p.until is not None), None)

    def _joined(self, intent: Intent) -> Plan | None:
        """Records choose the entities, their passages decide: "which customers with ... complained about ..."."""
        if not intent.said or not re.search(
            r"\b(?:which|who|what|list|show|find|customers?|accounts?)\b", intent.said_subject, re.I
        ):
            return None
        entity = self._entity_of(intent.said_subject)
        if entity is None or not _asks_which(intent.said_subject, self.catalogue, entity):
            return None
        population = self._population(intent.said_subject, entity)
        if _names_one(population, self.catalogue.entity(entity)):
            return None
        steps = (
            SqlStep("population", population, "population"),
            SearchStep("said", intent.said, k=60, keys_from="population", require=True),
        )
        features = RouteFeatures(intent.question, population.confidence, 0, False, 0, 0, steps=False, joined=True)
        return Plan(intent.question, route(features), steps)

    # --- one step ------------------------------------------------------------------------------------------------

    def _plain(self, intent: Intent) -> Plan:
        readings = self.tables.plan(intent.body)
        best = readings[0] if readings else None
        second = next((r for r in readings[1:] if best and r.sql != best.sql), None)
        features = RouteFeatures(
            question=intent.body,
            sql=best.confidence if best else 0.0,
            runner_up=second.confidence if second else 0.0,
            runner_up_differs=second is not None,
            relevance=self.probe(intent.body),
            unknown=self._unknown(intent.body),
            steps=False,
            joined=False,
        )
        made = route(features)
        if made.path == "clarify" and best is not None and second is not None:
            return self._clarify(intent, "", (best, second), made)
        if made.path == "sql" and best is not None:
            steps: tuple[Step, ...] = (SqlStep("answer", best),)
            if intent.chart:
                steps += (ChartStep("chart", "answer"),)
            return Plan(intent.question, made, steps, readings[1:3])
        if made.path == "vector":
            return Plan(intent.question, made, self._search(intent))
        unknown = self.tables.unknown_words(intent.body)
        notices = (f"nothing we hold speaks of: {', '.join(unknown)}",) if unknown else ()
        return Plan(intent.question, made, (), readings[:2], notices=notices)

    def _search(self, intent: Intent) -> tuple[Step, ...]:
        """A search in the documents, narrowed to an entity that the question names."""
        links = [link for link in self.tables.links(intent.body) if link.kind == "value"]
        for entity in self.catalogue.entities:
            target = f"{entity.table}.{entity.name_column}"
            if any(link.target == target for link in links):
                population = self._population(intent.body, entity.name, only_names=True)
                return (
                    SqlStep("about", population, "population"),
                    SearchStep("answer", intent.question, keys_from="about"),
                )
        return (SearchStep("answer", intent.question),)

    def _clarify(self, intent: Intent, asked: str, readings: Sequence[Reading] = (), made: Route | None = None) -> Plan:
        said = asked or "Do you mean " + ", or ".join(f"({n}) {r.explanation}" for n, r in enumerate(readings, 1)) + "?"
        made = made or Route("clarify", "the question leaves open whom it is about", 0.6)
        return Plan(intent.question, made, (), tuple(readings), said)

    # --- parts ---------------------------------------------------------------------------------------------------

    def _population(self, body: str, entity_name: str, *, only_names: bool = False) -> Reading:
        """The entities that `body` speaks of; all of them when it sets no condition that the tables know."""
        entity = self.catalogue.entity(entity_name)
        assert entity is not None
        if only_names:
            names = [
                link.value
                for link in self.tables.links(body)
                if link.kind == "value" and link.target == f"{entity.table}.{entity.name_column}"
            ]
            return _named(entity, names)
        readings = self.tables.plan(body, subject=entity_name)
        return readings[0] if readings else _everything(entity)

    def _entity_of(self, body: str) -> str | None:
        """The entity that `body` is about: by its name, or by the name of one of them."""
        for link in self.tables.links(body):
            table = link.target.split(".")[0]
            entity = self.catalogue.entity_of(table) or self.catalogue.entity(link.target)
            if entity is not None and link.kind in {"table", "entity", "value"}:
                return entity.name
        return None

    def _unknown(self, body: str) -> float:
        """The share of the content words that nothing explains."""
        words = [w for w in re.findall(r"[^\W\d_]+", body.lower()) if len(w) > 1 and w not in FUNCTION_WORDS]
        return min(1.0, len(self.tables.unknown_words(body)) / max(1, len(words)))


def _everything(entity: Entity) -> Reading:
    sql = f'SELECT "{entity.key}", "{entity.name_column}" FROM "{entity.table}"'
    return Reading(sql, 0.7, f"every {entity.name}", (), (entity.table,), entity.name, entity.key)


def _named(entity: Entity, names: Sequence[str]) -> Reading:
    quoted = ", ".join("'" + name.replace("'", "''") + "'" for name in names)
    sql = (
        f'SELECT "{entity.key}", "{entity.name_column}" FROM "{entity.table}" '
        f'WHERE "{entity.name_column}" IN ({quoted})'
    )
    return Reading(sql, 0.9, f"{entity.name} {' or '.join(names)}", (), (entity.table,), entity.name, entity.key)


def _names_one(population: Reading, entity: Entity | None) -> bool:
    """True when the population is given by the name or key of one entity."""
    if entity is None:
        return False
    targets = {f"{entity.table}.{entity.name_column}", f"{entity.table}.{entity.key}"}
    return sum(link.kind == "value" and link.target in targets for link in population.links) == 1


def _asks_which(subject: str, catalogue: Catalogue, entity_name: str) -> bool:
    """True when `subject` asks for the entities themselves ("which customers"), not for a count of something else."""
    if re.search(r"\bhow (?:many|much)\b|\bwhat did\b|\bwhat do\b|\bwhat does\b", subject, re.I):
        return False
    entity = catalogue.entity(entity_name)
    assert entity is not None
    table = catalogue.table(entity.table)
    words = {entity.name, *entity.synonyms, *((table.label, *table.synonyms) if table else ())}
    return any(re.search(rf"\b{re.escape(word)}(?:s|es)?\b", subject, re.I) for word in words) or bool(
        re.match(r"\s*who\b", subject, re.I)
    )


def _asks_summary(body: str) -> bool:
    return bool(re.search(r"\b(?:summari[sz]e|describe|how (?:did|have|has|do|are))\b", body, re.I))


def _top(intent: Intent) -> int | None:
    """How many of the highest scores are asked for ("our 5 customers most at risk")."""
    found = _TOP.search(intent.body)
    return int(found.group(1)) if found and int(found.group(1)) <= 200 else None


def _without(body: str, period: Period | None) -> str:
    """`body` without the words of `period` and the preposition before them."""
    if period is None:
        return body
    head = re.sub(r"\b(?:in|during|for|of|within|over|from)\s*(?:the\s*)?$", "", body[: period.start], flags=re.I)
    return f"{head} {body[period.end :]}"


def _bounds(period: Period) -> tuple[str, str]:
    assert period.since is not None and period.until is not None
    return period.since.isoformat(), period.until.isoformat()


def _between(period: Period | None) -> str:
    """A period in words that leave no choice; its last day is inside."""
    if period is None or period.since is None or period.until is None:
        return ""
    return f"between {period.since.isoformat()} and {(period.until - dt.timedelta(days=1)).isoformat()}"


def _grain(period: Period | None) -> str:
    if period is None or period.since is None or period.until is None:
        return "month"
    days = (period.until - period.since).days
    return "day" if days <= 14 else "week" if days <= 31 else "month" if days <= 800 else "year"
