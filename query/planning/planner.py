"""Question to `Plan`: intent, readings over tables, route, steps. Reads names and values through the scope, runs
nothing that answers."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from index.catalogue.model import Catalogue
from index.errors import EmptyQuestion
from index.stages import stage
from query.plan import ChartStep, Choice, Plan, Reading, Route, SearchStep, SqlStep, Step
from query.planning.entity_names import Mention
from query.planning.help import asks_for_help, introduction
from query.planning.intent import Intent, read_intent
from query.planning.left_out import left_out, of_another
from query.planning.population import LIGHT_VERBS, Names, Populations, TableReader
from query.planning.recipes import Recipes
from query.planning.relevance import Nearness, stems
from query.planning.router import NOT_SURE_ENOUGH, NOWHERE, SEVERAL_MEANINGS, SHOWN, route
from query.planning.routing_signals import FAR_FETCHED, GUIDE_CUES, RouteFeatures, explained
from query.text2sql.thesaurus import FUNCTION_WORDS

_WORD = re.compile(r"\w", re.UNICODE)
_COMMAND = re.compile(
    r"^\s*(?:please\s+)?(?:(?:delete|drop|remove|erase|truncate|update|insert|alter|overwrite|modify|purge|rename|cancel|"
    r"approve|revoke|deactivate)\b|add an? new\b|create an? (?:new )?(?:user|account|customer|ticket|order|invoice)\b|"
    r"(?:increase|raise|lower|reduce|move|close|pay|reset|grant)\s+(?:all|every|each|the\s+\w+s?\s+of)\b|"
    r"give\b[^?]*\b(?:discounts?|access|credits?|permissions?|refunds?|rights?)\b|"
    r"(?:set|change|rename|reset|assign|mark)\b[^?]*\b(?:to|as)\b)|"
    r"\b(?:drop|alter|truncate)\s+table\b|\bdelete\s+from\b|\binsert\s+into\b",
    re.I,
)
_ORDER = re.compile(
    r"\b(?:ignore|forget|disregard|bypass)\b.{0,30}\b(?:instructions?|rules?|prompts?|polic(?:y|ies))\b|"
    r"\bsystem prompt\b|\byour (?:instructions|rules|source code|prompt)\b|"
    r"^\s*you are now\b|^\s*(?:run|execute)\b.*\b(?:shell|command|script)\b",
    re.I,
)
_OTHER_TASK = re.compile(
    r"^\s*(?:please\s+)?(?:(?:write|tell|sing|compose)\s+(?:me\s+)?an?\s+(?:\w+\s+)?(?:poem|song|joke|story|haiku|essay)\b|"
    r"translate\b.*\b(?:in)?to\b|(?:calculate|compute|solve)\b[^?]*\d)",
    re.I,
)
_FUTURE = re.compile(r"\bwill\b(?!.*\b(?:due|renew|expire|end|launch))", re.I)
_PLANNED = re.compile(r"\b(?:plan(?:s|ned)?|schedul\w+|appointments?)\b", re.I)
SAME_ROWS = "the readings of the question find the same"
WHOLE = "the other readings leave out a part of the question"
AHEAD = dt.timedelta(days=366)  # plans reach about so far; a year later nothing is held
_SQL = re.compile(r"\s*(?:select|with)\b.+\bfrom\b", re.I | re.S)
_CHANGE = re.compile(
    r"\b(?:grew|grown|growing|increas(?:ed|ing)|declin(?:ed|ing)|decreas(?:ed|ing)|dropped|fell|fallen|rose|risen|shrank|"
    r"improved|worsened|gained)\b",
    re.I,
)
_CLAUSES = re.compile(r",?\s+and\s+(?:also\s+)?(?=(?:what|who|which|how|when|where|why)\b)", re.I)
_RISK = re.compile(r"\bchurn|\bat[ -]risk\b|\blikely to (?:leave|cancel)\b", re.I)
NO_SCORE = (
    "The data cannot answer this: no score that you see tells who is at risk. One is learned from your own history once"
    " the catalogue declares it (docs/scores.md)."
)
NEARLY_AS_LIKELY = 0.15
LEFT_OUT = "the likeliest reading leaves out a part of the question"
SPOKEN_OF = 0.5  # cosine from which a document speaks of a question that has hardly a word of its own
_VAGUE = frozenset(
    """numbers figures data stuff things information overview everything ones rest others status details more list top
    good better best bad worse worst big bigger biggest small new interesting great first second third last next latest
    year month week quarter today""".split()
)
_SUMMARY = re.compile(r"\b(?:summari[sz]e|describe|how (?:did|have|has|do|are))\b", re.I)


@dataclass(frozen=True)
class Planner:
    """Plans questions for one scope. `probe` tells how near the documents come to a text, `agree` whether two readings
    find the same, so that nobody is asked to choose between them. Without `documents` nothing is looked up in them."""

    catalogue: Catalogue
    tables: TableReader
    names: Names
    probe: Callable[[str], Nearness]
    agree: Callable[[Reading, Reading], bool]
    documents: bool = True

    @property
    def populations(self) -> Populations:
        """Readings of which entities are meant."""
        return Populations(self.catalogue, self.tables, self.names)

    @property
    def recipes(self) -> Recipes:
        """Plans of several steps."""
        return Recipes(self.catalogue, self.tables, self.populations, self.documents)

    def plan(self, question: str) -> Plan:
        """The plan of `question`; raises `EmptyQuestion` when it has no word in it."""
        if not _WORD.search(question):
            raise EmptyQuestion(
                "the question is empty", hint='ask in words, for example "How many open tickets are there?"'
            )
        if _SQL.match(question):
            typed = Reading(question.strip().rstrip(";"), 0.99, "the query as typed")
            return Plan(question, Route("sql", "the question is SQL", 0.99), (SqlStep("answer", typed),))
        intent = read_intent(question, self.catalogue)
        planned = self._no_question(intent)
        return planned or replace(self._recipe(intent) or self._plain(intent), plain=True)

    def route_features(self, question: str) -> RouteFeatures | None:
        """What `question` is routed by; None where a rule or a recipe settles its way."""
        intent = read_intent(question, self.catalogue)
        if self._no_question(intent) or self._recipe(intent):
            return None
        return self._features(intent.body, self._readings(intent.body), self.probe(intent.body))

    def _no_question(self, intent: Intent) -> Plan | None:
        """The plan of what is no question about the data: a greeting, a command, an order, another task."""
        question = intent.question
        if asks_for_help(question):
            made = Route("clarify", "the question is about Tower itself", 0.95)
            return Plan(question, made, clarification=introduction(self.catalogue))
        if _COMMAND.search(question):
            return Plan(question, Route("refuse", "Tower reads; it does not change data", 0.99))
        if _ORDER.search(question):
            return Plan(question, Route("refuse", "it is an order to Tower, not a question about the data", 0.95))
        if _OTHER_TASK.search(question):
            return Plan(question, Route("refuse", "it is a task that the data has no part in", 0.95))
        period = self.recipes.period(question) if _FUTURE.search(question) and intent.score is None else None
        ahead = AHEAD if _PLANNED.search(question) else dt.timedelta(0)
        if period is not None and period.since is not None and period.since > self.catalogue.date() + ahead:
            return Plan(question, Route("refuse", "it asks for what is still to come", 0.9))
        return None

    def _recipe(self, intent: Intent) -> Plan | None:
        """A question back about a name that several bear, or the plan of a recipe."""
        doubtful = self.populations.doubtful(intent.question)
        if doubtful is not None:
            return _which_one(intent, doubtful)
        return self._several_steps(intent) or self._compound(intent)

    def _several_steps(self, intent: Intent) -> Plan | None:
        if intent.score is not None:
            return self.recipes.scored(intent, intent.score)
        if intent.draft is not None and self._lacks_score(intent.body):
            return Plan(intent.question, Route("refuse", NOWHERE, 0.9), clarification=NO_SCORE)
        if intent.draft is not None:
            asked = "Whom should the draft be for? Name one, or say which."
            return self.recipes.drafted(intent) or _clarify(intent, asked)
        if intent.trend and (intent.chart or _SUMMARY.search(intent.body)):
            plan = self.recipes.trend(intent)
            if plan is not None:
                return plan
        recipes = [self.recipes.advised, self.recipes.profile]
        recipes += [self.recipes.joined] if self.documents else []
        return next((plan for recipe in recipes if (plan := recipe(intent))), None)

    def _lacks_score(self, body: str) -> bool:
        return not self.catalogue.scores and bool(_RISK.search(body))

    def _compound(self, intent: Intent) -> Plan | None:
        """ "Which invoices of X are overdue, and what does our playbook say": each clause by its own path."""
        clauses = [c for c in _CLAUSES.split(intent.body) if len(c.split()) >= 3]
        if len(clauses) != 2:
            return None
        named = [n.name for n in self.populations.named(clauses[0])]
        second = re.sub(r"\b(?:they|them|he|she|it)\b", named[0], clauses[1], count=1) if named else clauses[1]
        plans = [self._plain(read_intent(clause, self.catalogue)) for clause in (clauses[0], second)]
        if {plan.route.path for plan in plans} & {"refuse", "clarify"}:
            return None
        steps = tuple(_renamed(step, at) for at, plan in enumerate(plans, 1) for step in plan.steps)
        paths = {plan.route.path for plan in plans}
        confidence = min(plan.route.confidence for plan in plans)
        path = paths.pop() if len(paths) == 1 else "hybrid"
        return Plan(intent.question, Route(path, "two questions in one", confidence), steps)

    def _plain(self, intent: Intent) -> Plan:
        near = self.probe(intent.body)
        if self._says_nothing(intent.body) and near.relevance < SPOKEN_OF:
            return _clarify(intent, "What would you like to know? Name the records or the topic.")
        readings = self._readings(intent.body)
        readings, missing = self._complete(intent.body, readings)
        best, second = _two_best(readings)
        features = self._features(intent.body, readings, near)
        open_to = not features.strange if features.drafted else best is not None and not features.unknown
        choice = self.tables.choice(intent.body) if open_to else None
        if choice is not None and best is None and near.relevance < SPOKEN_OF:
            return _clarify(intent, _meant(choice), (), Route("clarify", SEVERAL_MEANINGS, SHOWN))
        with stage("route") as mark:
            made = route(features if choice is None else replace(features, meanings=len(choice.options)))
            mark.note(path=made.path)
        if choice is not None and best is not None and made.reason == SEVERAL_MEANINGS:
            return _clarify(intent, _meant(choice), choice.readings or (best,), made)
        if made.path == "clarify" and best is not None and second is not None and self.agree(best, second):
            # a learned confidence has weighed already that they agree: what they find is one unsure answer
            same = Route("refuse", NOT_SURE_ENOUGH, made.confidence)
            made = same if features.drafted else replace(made, path="sql", reason=SAME_ROWS)
        if made.path == "clarify" and not missing and second is not None and self._says_less(intent.body, second):
            made = replace(made, path="sql", reason=WHOLE)
        if best is not None and made.reason == NOT_SURE_ENOUGH:
            return _clarify(intent, _nearest(best), (best,), made)
        if made.path == "clarify" and best is not None and second is not None:
            return _clarify(intent, _readings_asked((best, second)), (best, second), made)
        if missing and made.path in ("sql", "clarify"):
            made = replace(made, path="refuse", reason=LEFT_OUT)
            return Plan(intent.question, made, (), readings[:2], _unsaid(missing))
        if made.path == "sql" and best is not None:
            steps: tuple[Step, ...] = (SqlStep("answer", best),)
            if intent.chart:
                steps += (ChartStep("chart", "answer"),)
            return Plan(intent.question, made, steps, readings[1:3])
        if made.path == "vector":
            return self._searched(intent, made)
        why = _why_not(missing or self.populations.unknown(intent.body))
        why = NO_SCORE if self._lacks_score(intent.body) else why
        return Plan(intent.question, made, (), readings[:2], why)

    def _says_nothing(self, body: str) -> bool:
        """True where no word names a topic: "the numbers this month", but not "total amount by month"."""
        if self._content(body) - _VAGUE or self.names.find(body):
            return False
        named = (link for link in self.tables.links(body) if link.kind not in ("period", "number"))
        return all(_VAGUE.issuperset(link.text.lower().split()) for link in named)

    def _says_less(self, body: str, reading: Reading) -> bool:
        """True for a reading that leaves out what the likeliest one has: no second meaning of the question."""
        text = self.populations.measured(body)
        return bool(self.catalogue.terms) and bool(left_out(text, reading, self.catalogue))

    def _complete(self, body: str, readings: tuple[Reading, ...]) -> tuple[tuple[Reading, ...], tuple[str, ...]]:
        """`readings` with the likeliest first that leaves nothing of `body` out, where one is nearly as likely as the
        first; and what the first one then leaves out. Over a drafted catalogue the learned order has weighed that."""
        if not readings or not self.catalogue.terms:
            return readings, ()
        text = self.populations.measured(body)
        if foreign := of_another(text, readings[0], self.catalogue):
            return readings, foreign
        missing = left_out(text, readings[0], self.catalogue)
        if not missing:
            return readings, ()
        least = readings[0].confidence - NEARLY_AS_LIKELY
        whole = (r for r in readings[1:] if r.confidence >= least and not left_out(text, r, self.catalogue))
        better = next(whole, None)
        return (readings, missing) if better is None else ((better, *(r for r in readings if r is not better)), ())

    def _readings(self, body: str) -> tuple[Reading, ...]:
        return self.tables.plan(self.populations.measured(body))

    def _features(self, body: str, readings: Sequence[Reading], near: Nearness) -> RouteFeatures:
        best, second = _two_best(readings)
        unknown = self._unknown(body)
        return RouteFeatures(
            question=body,
            sql=best.confidence if best else 0.0,
            runner_up=second.confidence if second else 0.0,
            runner_up_differs=second is not None,
            relevance=near.relevance,
            coverage=near.coverage,
            unknown=self._unexplained(body, self._content(body), unknown, best),
            drafted=not self.catalogue.terms,
            strange=len(unknown),
            named=bool(self.names.find(body)),
            told=explained(body, self.tables.links(body), best, LIGHT_VERBS),
            embedder=near.embedder,
            vector=near.vector,
        )

    def _searched(self, intent: Intent, made: Route) -> Plan:
        """A search in the documents. Of an entity that the question names, its own documents are searched, and with
        the values of its record also the general ones (which warranty its class carries)."""
        named = self.populations.named(intent.body)
        sources = self._sources_of_saying(intent)
        general = bool(GUIDE_CUES.search(intent.body)) and not sources
        if not named:
            return Plan(intent.question, made, (SearchStep("answer", intent.body, general=general, sources=sources),))
        about = self.populations.about(intent.body, named)
        asked = " ".join(self._without_names(intent.body).split())
        columns = about.sql.partition(" FROM ")[0].count(",") + 1
        steps = (
            SqlStep("about", about, "population"),
            SearchStep("answer", asked, keys_from="about", general=columns > 2, sources=sources),
        )
        if columns > 2:
            made = Route("hybrid", "the record says which documents apply", made.confidence)
        return Plan(intent.question, made, steps)

    def _without_names(self, body: str) -> str:
        """`body` without the names of entities: of an entity's own documents every one bears its name."""
        for mention in reversed(self.names.find(body)):
            body = f"{body[: mention.start]} {body[mention.end :]}"
        return body

    def _sources_of_saying(self, intent: Intent) -> tuple[str, ...]:
        """The sources of the tables that hold what customers say, when the question is about that: of "complained",
        those that people call complaints."""
        verb = intent.said_verb[:7]
        if len(verb) < 5:
            return ()
        found = []
        for table in self.catalogue.tables:
            called = " ".join((table.label, *table.synonyms)).lower().split()
            if table.source and any(word.startswith(verb) for word in called):
                found.append(table.source)
        return tuple(dict.fromkeys(found))

    def _unknown(self, body: str) -> frozenset[str]:
        """The words that nothing in the tables explains; verbs that could stand with any noun are none of them."""
        return frozenset(w.lower() for w in self.populations.unknown(body))

    def _unexplained(self, body: str, content: frozenset[str], unknown: frozenset[str], best: Reading | None) -> float:
        """The share of content words that the tables do not explain, or explain by a far-fetched link only; a change
        ("grew", "dropped") is explained only by a reading that subtracts."""
        strained = {k.text for k in self.tables.links(body) if k.score < FAR_FETCHED and k.kind != "period"}
        untold = bool(_CHANGE.search(body)) and best is not None and " - " not in best.sql
        return 1.0 if untold else min(1.0, (len(unknown) + len(strained)) / max(1, len(content)))

    def _content(self, body: str) -> frozenset[str]:
        """The words of `body` that carry content; the company's own name does not."""
        own = {w.lower() for w in re.findall(r"\w+", self.catalogue.company)}
        words = re.findall(r"[^\W\d_]+", body.lower())
        return frozenset(w for w in words if len(w) > 1 and w not in FUNCTION_WORDS and w not in own)


def _two_best(readings: Sequence[Reading]) -> tuple[Reading | None, Reading | None]:
    """The first reading, and the next one with another query."""
    best = readings[0] if readings else None
    return best, next((r for r in readings[1:] if best and r.sql != best.sql), None)


def content_stems(text: str, catalogue: Catalogue) -> frozenset[str]:
    """The stems of the words of `text` that carry content."""
    own = stems(catalogue.company)
    words = [w for w in re.findall(r"\w+", text.lower()) if w not in FUNCTION_WORDS]
    return stems(" ".join(words)) - own


def without_company(text: str, catalogue: Catalogue) -> str:
    """`text` without the company's own name, which stands in too many documents to say what a question is about."""
    return re.sub(re.escape(catalogue.company), " ", text, flags=re.I) if catalogue.company else text


def _clarify(intent: Intent, asked: str, readings: Sequence[Reading] = (), made: Route | None = None) -> Plan:
    made = made or Route("clarify", "the question leaves open what it is about", 0.6)
    steps = tuple(SqlStep(f"reading{n}", reading) for n, reading in enumerate(readings, 1))
    return Plan(intent.question, made, steps, tuple(readings), asked)


def _meant(choice: Choice) -> str:
    """A question back about what the words mean."""
    first, *others = choice.options
    asked = f"Do you mean {first}, or {', or '.join(others)}?"
    return f"{asked} Here is what each of them gives." if len(choice.readings) == len(choice.options) else asked


def _why_not(unknown: Sequence[str]) -> str:
    """Why a question cannot be answered, where it is a word that nothing speaks of."""
    named = ", ".join(f"“{word}”" for word in dict.fromkeys(unknown))
    return f"The data cannot answer this: nothing we hold speaks of {named}." if named else ""


def _nearest(best: Reading) -> str:
    """What is said of a reading that is too unsure to be an answer."""
    return (
        f"I am not sure enough of what is asked to call this an answer. The nearest reading is: {best.explanation}."
        " Here is what that gives; ask in other words if you mean something else."
    )


def _unsaid(missing: Sequence[str]) -> str:
    """Why a question is not answered of which every reading leaves `missing` out."""
    said = ", ".join(f"“{word}”" for word in missing if word.lower() not in ("which", "who", "list"))
    why = f"I do not know what {said} means in it" if said else "I do not know what it asks for"
    return f"The data cannot answer this: {why}. Ask in other words, or without it."


def _readings_asked(readings: Sequence[Reading]) -> str:
    asked = ", or ".join(f"({n}) {r.explanation}" for n, r in enumerate(readings, 1))
    return f"Do you mean {asked}? Here is what each of them gives."


def _which_one(intent: Intent, mention: Mention) -> Plan:
    """A question back about a name that several entities bear."""
    said = intent.question[mention.start : mention.end]
    listed = [f"{named.name} ({named.key})" for named in mention.meant]
    asked = f"Which {mention.meant[0].entity} do you mean by “{said}”: {', '.join(listed[:-1])} or {listed[-1]}?"
    made = Route("clarify", f"“{said}” names {len(mention.meant)} of them", 0.9)
    return Plan(intent.question, made, (), (), asked)


def _renamed(step: Step, clause: int) -> Step:
    """A step of one clause under an id of its own."""
    changes = {"id": f"{step.id}{clause}"}
    for name in ("keys_from", "rows_from"):
        if getattr(step, name, None):
            changes[name] = f"{getattr(step, name)}{clause}"
    return replace(step, **changes)  # type: ignore[arg-type]
