"""The second planner: a model writes SQL for what the grammar has read, behind the same guard and the same reads.

Its SQL is the answer where it passes and runs; the grammar's rows raise or lower the confidence. Whatever goes wrong
ends in the grammar's plan, with a notice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from index.catalogue.model import Catalogue
from index.errors import ProviderError, SqlRejected, TowerError
from index.guard.guard import GuardedQuery, guard
from index.masking.known import KnownPersons
from index.scope import Scope
from index.sql import Rows, SqlReader
from query.models.model import Message, Model
from query.models.outgoing import Outgoing, joined
from query.plan import ChartStep, Link, Plan, Reading, Route, SearchStep, SqlStep
from query.proof.addresses import cleaned
from query.text2sql.agreement import agreed, disagreed, same_rows
from query.text2sql.prompt import Example, PromptWriter, personal_values
from query.text2sql.replies import read_reply

REPAIRS = 2
MOST_ROWS = 1000
_PATHS = ("sql", "clarify", "refuse")
_STEPS = ("answer", "reading")


@dataclass(frozen=True)
class _Written:
    """SQL of the model that runs, with its rows."""

    sql: str
    query: GuardedQuery
    rows: Rows


class _Declined(ProviderError):
    """The model says that the tables cannot answer."""


@dataclass(frozen=True)
class ModelPlanner:
    """Asks `model` within one scope. `links` ties words of a question to the catalogue, `persons` are the known names,
    which are masked in everything that leaves, and `about` is what may be told of their bearers; a question may take
    `within_s` seconds, repairs included. Where there are no `documents`, plans that would search them are the model's
    to better, too."""

    model: Model
    catalogue: Catalogue
    reader: SqlReader
    scope: Scope
    links: Callable[[str], tuple[Link, ...]]
    persons: Callable[[], KnownPersons | None]
    examples: Sequence[Example] = ()
    within_s: float = 20.0
    documents: bool = True
    about: Callable[[str], str] | None = None

    def consider(self, plan: Plan) -> Plan:
        """`plan` with the model's SQL in it; as it was, with a notice, where the model is of no help."""
        if not may_be_asked(plan, self.documents):
            return plan
        outgoing = Outgoing(about=self.about)
        try:
            written = self._write(plan, outgoing)
        except _Declined as error:
            route = replace(plan.route, confidence=disagreed(0.0) * plan.route.confidence)
            route = plan.route if plan.route.path != "sql" else route
            return self._as_it_was(plan, error, outgoing, route)
        except TowerError as error:
            return self._as_it_was(plan, error, outgoing, plan.route)
        made = self._joined(plan, written)
        return replace(made, egress=outgoing.record(self.model.name))

    def _as_it_was(self, plan: Plan, error: TowerError, outgoing: Outgoing, route: Route) -> Plan:
        notice = f"Answered without the model {self.model.name}: {_plain(error.message)}."
        return replace(plan, route=route, notices=(*plan.notices, notice), egress=outgoing.record(self.model.name))

    # -- asking ------------------------------------------------------------------------------------------------

    def _write(self, plan: Plan, outgoing: Outgoing) -> _Written:
        """SQL that the guard lets through and the database runs, after at most two repairs."""
        until = time.monotonic() + self.within_s
        links = self.links(plan.question)
        seen = personal_values(links, self.catalogue)
        outgoing.persons, outgoing.told = joined(self.persons(), seen), joined(None, seen)
        writer = PromptWriter(self.catalogue, self.scope, self.reader.dialect, self.catalogue.date(), self.examples)
        messages = writer.messages(plan.question, links, _readings(plan), outgoing)
        problem: TowerError | None = None
        for _ in range(1 + REPAIRS):
            outgoing.sent(messages)
            reply = self.model.complete(messages, within_s=until - time.monotonic()).text
            said = read_reply(reply)
            if said.declined:
                raise _Declined(f"it says that the tables cannot answer ({outgoing.put_back(said.declined)})")
            try:
                return self._run(outgoing.put_back(said.sql, "'"))
            except SqlRejected as error:
                problem = error
            told = outgoing.mask("error", f"That does not run: {problem.message}. {problem.hint}".strip())
            messages = [*messages, Message("assistant", reply[:4000]), Message("user", f"{told}\nWrite it again.")]
        assert problem is not None
        raise ProviderError(f"its SQL does not run ({problem.message})")

    def _run(self, sql: str) -> _Written:
        query = guard(sql, self.catalogue, self.scope, dialect=self.reader.dialect, limit=MOST_ROWS)
        return _Written(sql, query, self.reader.read(query))

    # -- joining with the grammar ------------------------------------------------------------------------------

    def _joined(self, plan: Plan, written: _Written) -> Plan:
        readings = _readings(plan)
        twin = next(
            (r for r in readings if (rows := self._rows(r)) is not None and same_rows(rows, written.rows)), None
        )
        steps = self._steps(plan, self._reading(written, twin, plan))
        if twin is not None:
            route = Route("sql", "the grammar and the model find the same", agreed(twin.confidence))
            return replace(plan, route=route, steps=steps, alternatives=(), clarification="")
        sure = readings[0].confidence if readings and plan.route.path != "refuse" else 0.0
        route = Route("sql", f"the model {self.model.name} wrote the query", disagreed(sure))
        notices = plan.notices
        if plan.clarification and not readings:
            notices = (*notices, f"Without the model it would be asked back: {plan.clarification}")
        if readings and plan.route.path == "sql":
            other = readings[0].explanation
            notices = (*notices, f"Without the model the question reads otherwise: {other}.")
        return replace(plan, route=route, steps=steps, alternatives=readings[:2], clarification="", notices=notices)

    def _reading(self, written: _Written, twin: Reading | None, plan: Plan) -> Reading:
        """The model's SQL as a reading, in the grammar's words where both mean the same."""
        columns, rows = written.rows.columns, written.rows.rows
        numbers = tuple(
            name
            for at, name in enumerate(columns)
            if rows and all(isinstance(row[at], int | float | None) and not isinstance(row[at], bool) for row in rows)
        )
        label = next((name for name in columns if name not in numbers), None)
        made = Reading(
            sql=written.sql,
            confidence=0.0,
            explanation=f"the query that the model {self.model.name} wrote",
            tables=written.query.tables,
            x=label,
            y=numbers,
            title="Result",
        )
        if twin is None:
            return made
        return replace(made, explanation=twin.explanation, links=twin.links, title=twin.title)

    @staticmethod
    def _steps(plan: Plan, reading: Reading) -> tuple[SqlStep | ChartStep, ...]:
        charts = tuple(ChartStep("chart", "answer", s.kind) for s in plan.steps if isinstance(s, ChartStep))
        return (SqlStep("answer", reading), *charts[:1])

    def _rows(self, reading: Reading) -> Rows | None:
        try:
            return self._run(reading.sql).rows
        except TowerError:
            return None


def _plain(said: str) -> str:
    """What may repeat a model's own words, as it may be told: without addresses, in one line."""
    return " ".join(cleaned(said).text.split())


def may_be_asked(plan: Plan, documents: bool) -> bool:
    """True for a plan that one query might answer better: no documents, scores or drafts in it, no SQL as typed."""
    if plan.plain and not documents and any(isinstance(s, SearchStep) for s in plan.steps):
        return True
    if not plan.plain or plan.route.path not in _PATHS:
        return False
    return all(isinstance(s, ChartStep) or (isinstance(s, SqlStep) and s.id.startswith(_STEPS)) for s in plan.steps)


def _readings(plan: Plan) -> tuple[Reading, ...]:
    """The grammar's readings, best first."""
    found = [s.reading for s in plan.steps if isinstance(s, SqlStep)]
    return tuple(dict.fromkeys((*found, *plan.alternatives)))
