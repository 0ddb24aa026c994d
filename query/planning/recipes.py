"""Plans of several steps: scored lists, drafts, trends, and joins of records with what documents say."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, replace

from index.catalogue.model import Catalogue, Score
from query.plan import (
    ChartStep,
    DraftStep,
    ImageStep,
    Plan,
    ProfileStep,
    Reading,
    Route,
    ScoreStep,
    SearchStep,
    SqlStep,
    Step,
)
from query.planning.intent import Intent, said_in
from query.planning.left_out import left_out
from query.planning.population import Populations, TableReader
from query.planning.router import route
from query.planning.routing_signals import RouteFeatures
from query.text2sql.periods import Period, read_time
from query.text2sql.thesaurus import FUNCTION_WORDS

MOST_PASSAGES = 60  # looked at when passages decide which entities stay
_TOP = re.compile(r"\b(?:top\s+)?(\d{1,3})\b(?=\s+\w)")
_OF_THE_TOP = re.compile(r"\b(?:of|among|from)\s+(?:our\s+|the\s+|my\s+)?top\b", re.I)
_TOP_WORD = re.compile(r"^\W*(?:the\s+|our\s+)?top\b", re.I)  # by the score, not by revenue
_MOST = re.compile(r"\b(?:most|highest|greatest|biggest)\b", re.I)
_TREND_WORDS = re.compile(
    r"\b(?:summari[sz]e|describe|explain|show|me|the|trends?|develop(?:ed|s|ment|ing)?|evol(?:ved?|ution)|over time|"
    r"how (?:did|have|has|do|are))\b",
    re.I,
)
_PROFILE = re.compile(
    r"^\s*(?:tell me (?:more |everything )?about|brief me (?:on|about)|prepare me for (?:a|my|the) \w+ (?:with|at)|"
    r"what do (?:we|you) know about|who (?:is|are)|describe|"
    r"(?:show|give) me (?:an? |the )?(?:overview|profile|summary|status) (?:of|for|on)|"
    r"(?:overview|profile|summary|status) (?:of|for|on)|"
    r"summari[sz]e (?:our|the) (?:relationship|account|status) (?:with|of)|how (?:is|are)(?=\b.*\bdoing))\b",
    re.I,
)
_WHICH = re.compile(r"\b(?:which|who|what|list|show|find)\b", re.I)
_WHO = re.compile(r"^\s*who\b", re.I)
_TOPIC = re.compile(r"(?:regarding|concerning|with regard to|when it comes to)\b", re.I)
_NOT_WHICH = re.compile(r"\bhow (?:many|much)\b|\bwhat (?:did|do|does|has|have|is|are)\b", re.I)


@dataclass(frozen=True)
class Whom:
    """The entities that a question speaks of and the steps that find them; `open` asks back what it leaves open."""

    population: Reading
    steps: tuple[Step, ...]
    open: str = ""


WHOM = "Whom are the drafts for"


@dataclass(frozen=True)
class Recipes:
    """Builds the steps of an intent. Each method gives None where the recipe does not fit."""

    catalogue: Catalogue
    tables: TableReader
    populations: Populations
    documents: bool = True

    def scored(self, intent: Intent, score: Score) -> Plan:
        """Entities by a declared score; a period means their due date ("at risk of churn this quarter")."""
        period = self.period(intent.body) if score.due or score.due_sql else None
        body = without(intent.body, period)
        top = _top(body)
        if top is not None:
            body = _MOST.sub(" ", _TOP_WORD.sub(" ", _TOP.sub(" ", body, count=1)))
        whom = self._whom(intent, body, score.entity)
        if whom.open:
            return _asked(intent, whom.open)
        steps = [*whom.steps]
        steps.append(
            ScoreStep(
                "scores",
                score.name,
                "population",
                at_risk=top is None and not self.populations.named(body, score.entity),
                due=_bounds(period) if period else None,
                due_text=period.label if period else "",
                top=top,
            )
        )
        if intent.draft is not None:
            steps.append(DraftStep("drafts", intent.draft, score.entity, "scores", intent.pictures, intent.topics))
        return self._stepped(intent, steps, whom.population)

    def drafted(self, intent: Intent) -> Plan | None:
        """Drafts for the entities that the question speaks of; None when it speaks of none."""
        entity = intent.draft_entity if intent.draft == "product_description" else None
        entity = entity or self.populations.addressed(intent.body)
        if entity is None or intent.draft is None:
            return None
        if intent.draft != "product_description" and not self._has_contact(entity):
            return _asked(intent, f"Whom are the drafts for? There is nobody to write to at a {entity}.")
        topics, body = intent.topics, intent.body
        if intent.condition and self._narrows(body, intent.condition, entity):
            topics, body = (), f"{body} {intent.condition}"
        whom = self._whom(intent, body, entity)
        if whom.open:
            return _asked(intent, whom.open)
        steps = [*whom.steps]
        named = self.populations.named(body, entity)
        source = "population"
        score = next((s for s in self.catalogue.scores if s.entity == entity), None)
        if intent.draft == "retention" and score is not None and named:
            steps.append(ScoreStep("scores", score.name, "population", at_risk=False))  # its reasons shape the letter
            source = "scores"
        steps.append(DraftStep("drafts", intent.draft, entity, source, intent.pictures, topics))
        if intent.lifestyle:
            steps.append(ImageStep("images", entity, "population"))
        return self._stepped(intent, steps, whom.population)

    def _has_contact(self, entity: str) -> bool:
        """False for an entity that nobody can be written at, where the catalogue says of others who that is."""
        contacted = {e.name for e in self.catalogue.entities if e.contact}
        return not contacted or entity in contacted

    def _whom(self, intent: Intent, body: str, entity: str) -> Whom:
        """The entities that `body` speaks of: their records choose, and where it asks for what somebody said in words
        that the tables do not know ("complained about zips"), their documents decide."""
        said = said_in(body)
        searched = said is not None and self.documents and bool(self.populations.unknown(said.about))
        if said is not None and searched and not self.populations.named(body, entity):
            population = self.populations.of(said.subject, entity)
            search = SearchStep("said", said.about, k=MOST_PASSAGES, keys_from="population", require=True)
            steps = (SqlStep("population", population, "population"), search)
            return Whom(population, steps, self._open(said.subject, entity))
        population = self.populations.of(body, entity)
        return Whom(population, (SqlStep("population", population, "population"),), self._open(body, entity))

    def _open(self, body: str, entity: str) -> str:
        """A question back where `body` sets a condition that we do not know: a letter to everybody is not what was
        asked for."""
        if self.populations.named(body, entity):
            return ""
        words = dict.fromkeys(self.populations.unknown(body))
        if words:
            said = ", ".join(f"“{word}”" for word in words)
            return f"{WHOM}? Nothing in the records speaks of {said}."
        return f"{WHOM}: the top ones by what?" if self.populations.is_unmeasured(body) else ""

    def _narrows(self, body: str, condition: str, entity: str) -> bool:
        """True where the tables read `condition` as one on the entities of `body`."""
        if self.populations.unknown(condition):
            return False
        return self.populations.of(f"{body} {condition}", entity).sql != self.populations.of(body, entity).sql

    def profile(self, intent: Intent) -> Plan | None:
        """Everything at a glance about an entity that the question names: facts, score, what its documents say."""
        named = self.populations.named(intent.body)
        if not named or not _PROFILE.match(intent.body) or self._asks_more(intent.body):
            return None
        entity = named[0].entity
        population = self.populations.of(intent.body, entity)
        steps: list[Step] = [SqlStep("population", population, "population")]
        score = next((s for s in self.catalogue.scores if s.entity == entity), None)
        if score is not None:
            steps.append(ScoreStep("scores", score.name, "population", at_risk=False))
        steps += [
            ProfileStep("profile", entity, "population"),
            SearchStep("said", "complaint, request, agreement or visit", k=6, keys_from="population"),
        ]
        return self._stepped(intent, steps, population)

    def _asks_more(self, body: str) -> bool:
        """True where beside the lead and the names something is asked for ("who is the owner of ...")."""
        for mention in reversed(self.populations.names.find(body)):
            body = f"{body[: mention.start]} {body[mention.end :]}"
        called = "|".join(word for entity in self.catalogue.entities for word in self.populations.words(entity))
        rest = re.sub(rf"\b(?:{called})\b", " ", _PROFILE.sub(" ", body), flags=re.I)  # "account Fjellpunkt AS"
        words = re.findall(r"[a-z]+", rest.lower())
        return any(word not in FUNCTION_WORDS and word != "doing" for word in words)

    def trend(self, intent: Intent) -> Plan | None:
        """A measure over time: the series itself, its total, and the total of the period before it."""
        period = self.period(intent.body)
        base = _TREND_WORDS.sub(" ", without(intent.body, period))
        asked = f"{base} by {_grain(period)} {_between(period)}".strip()
        series = self.tables.plan(asked)
        if not series or not series[0].y or (self.catalogue.terms and left_out(asked, series[0], self.catalogue)):
            return None
        grain = _grain(period)
        told = " ".join(_TREND_WORDS.sub(" ", intent.body).split()).removeprefix("of ")
        steps: list[Step] = [SqlStep("series", replace(series[0], title=f"{told}, by {grain}"))]
        totals: list[Reading] = []
        if period is not None:
            for name, when in (("total", period), ("before", period.previous())):
                reading = self.tables.plan(f"total {base} {_between(when)}")
                if reading and not reading[0].x:
                    steps.append(SqlStep(name, reading[0], name))
                    totals.append(reading[0])
        if len(totals) == 2:
            steps.append(SqlStep("change", _change(*totals), "change"))
        steps.append(ChartStep("chart", "series"))
        return Plan(intent.question, Route("sql", "a measure over time", series[0].confidence), tuple(steps))

    def joined(self, intent: Intent) -> Plan | None:
        """Records choose the entities, their passages decide: "which customers with ... complained about ..."."""
        subject = intent.said_subject
        if not intent.said or not _WHICH.search(subject) or _NOT_WHICH.search(subject):
            return None
        if _TOPIC.match(intent.said) and re.search(r"\bwhat\b", subject, re.I):
            return None  # "what customers complain about regarding invoices" asks for the complaints
        entity = self.populations.entity_in(subject) or (self._scored_entity() if _WHO.match(subject) else None)
        if entity is None or self.populations.named(subject, entity):
            return None
        population = self.populations.of(subject, entity)
        steps = (
            SqlStep("population", population, "population"),
            SearchStep("said", intent.said, k=MOST_PASSAGES, keys_from="population", require=True),
        )
        return Plan(intent.question, route(replace(_sure(intent, population), joined=True)), steps)

    def advised(self, intent: Intent) -> Plan | None:
        """Next steps for entities that the question names, from the score that they have."""
        score = next(iter(self.catalogue.scores), None)
        if not intent.next_steps or score is None or not self.populations.named(intent.body, score.entity):
            return None
        return self.scored(intent, score)

    def _scored_entity(self) -> str | None:
        """Whom "who" means where nothing else is said: those that are scored."""
        return next((score.entity for score in self.catalogue.scores), None)

    def period(self, text: str) -> Period | None:
        """The first period that `text` names, bounded on both sides."""
        periods = read_time(text, self.catalogue.date(), self.catalogue.fiscal_year_start).periods
        return next((p for p in periods if p.since is not None and p.until is not None), None)

    def _stepped(self, intent: Intent, steps: list[Step], population: Reading) -> Plan:
        return Plan(intent.question, route(replace(_sure(intent, population), steps=True)), tuple(steps))


def _asked(intent: Intent, back: str) -> Plan:
    """A question back about whom is meant."""
    if intent.draft in (None, "product_description"):
        back = back.replace(WHOM, "Who is meant" if intent.draft is None else "Which of them are meant", 1)
    return Plan(intent.question, Route("clarify", "whom the question means is left open", 0.6), clarification=back)


def _sure(intent: Intent, reading: Reading) -> RouteFeatures:
    """The features of a question whose recipe is settled; only the reading's own confidence counts."""
    return RouteFeatures(intent.question, reading.confidence, 0, False, 0, 0, 0)


def _change(now: Reading, before: Reading) -> Reading:
    """By how many percent a total rose against another, as one query that can be run again."""
    sql = f"SELECT 100.0 * (({now.sql}) - ({before.sql})) / NULLIF(({before.sql}), 0) AS change_percent"
    return Reading(sql, min(now.confidence, before.confidence), "change in percent", tables=now.tables)


def without(body: str, period: Period | None) -> str:
    """`body` without the words of `period` and the preposition before them."""
    if period is None:
        return body
    head = re.sub(r"\b(?:in|during|for|of|within|over|from)\s*(?:the\s*)?$", "", body[: period.start], flags=re.I)
    return f"{head} {body[period.end :]}"


def _top(body: str) -> int | None:
    """How many of the highest scores are asked for ("our 5 customers most at risk"); "which of our top 5 are" asks it
    of those that are the top by something else."""
    found = _TOP.search(body) if not _OF_THE_TOP.search(body) else None
    return int(found.group(1)) if found and int(found.group(1)) <= 200 else None


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
