"""The flow, as one visible expression: plan → run → tell → prove → number → answer.

Evidence stays a value until the last line; what the checker cannot prove is left out and said so.
"""

from __future__ import annotations

import datetime as dt
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace

from index.documents import Passage
from index.errors import NotFoundError
from index.guard.guard import guard
from index.scope import Scope
from index.stages import stage
from index.vectors.gateway import Narrow
from query.answer import Answer, PassageView, RouteView, SqlView
from query.compose.markdown import number, render
from query.compose.streamed import proven, tell_all
from query.compose.tell import Teller, Told
from query.compose.written import Written
from query.drafts.letters import citation_view, drafts_without_addresses, stated_addresses
from query.evidence import CitationBook, TableEvidence
from query.execute import Executor, Findings, Notify, PassageSearch
from query.models.budget import egress_budget
from query.names import NameDictionary
from query.parts import Parts
from query.plan import Plan, Reading, Route, SqlStep, added_up
from query.planning.conversation import FollowUps, Resolved, Turn
from query.planning.entity_names import Named
from query.planning.planner import Planner, content_stems, without_company
from query.planning.population import Names
from query.planning.relevance import Nearness, nearness
from query.proof.addresses import address_notices, cleaned
from query.proof.last_look import Looked, last_look
from query.proof.prove import Proof, Prover
from query.scoring.reasons import contribution_evidence
from query.withheld import Withheld

MOST_LISTED = 50  # rows of an answer that are looked at for the entities they name
REMEMBERED = 2_000  # plans
_Asked = tuple[str, str, str, dt.date]  # question, asker, what is seen, day
PROBED = 10  # passages looked at to see whether documents speak of a question at all


def silent(_event: str, _data: Mapping[str, object]) -> None:
    """Tells nobody."""


@dataclass(frozen=True)
class Answered:
    """An answer, the plan that gave it, and the turn that a follow-up builds on."""

    answer: Answer
    plan: Plan
    turn: Turn


@dataclass(frozen=True)
class QueryEngine:
    """Plans and answers questions within a scope. The grammar's plans are remembered, for each asker their own: an
    engine is built anew whenever the data or the catalogue changes, and what it reads to plan stays the same till then.
    """

    parts: Parts
    _planned: dict[_Asked, Plan] = field(default_factory=dict, init=False, repr=False, compare=False)

    def plan(self, question: str, scope: Scope) -> Plan:
        """The plan that `answer` runs; raises `EmptyQuestion`."""
        asked = (question, scope.principal.name, scope.sight(), self.parts.catalogue.date())
        plan = self._planned.get(asked)
        if plan is None:
            if len(self._planned) >= REMEMBERED:
                self._planned.clear()
            plan = self._planned[asked] = self.planner(scope).plan(question)
        return plan if self.parts.second is None else self.parts.second(scope).consider(plan)

    def over(self, passages: PassageSearch) -> QueryEngine:
        """The same engine over other passages; its plans are made anew, since they look at what documents say."""
        return QueryEngine(replace(self.parts, passages=passages))

    def planner(self, scope: Scope) -> Planner:
        """The planner of the grammar for `scope`."""
        parts = self.parts
        tables, names = parts.tables(scope).own(), parts.names(scope)
        documents = parts.passages is not None
        return Planner(parts.catalogue, tables, names, self._probe(scope), self._agree(scope), documents)

    def resolved(self, question: str, scope: Scope, earlier: Turn | None) -> Resolved:
        """`question` as one that stands by itself, read together with the turn before it."""
        parts = self.parts
        return FollowUps(parts.catalogue, parts.tables(scope).own(), parts.names(scope)).resolve(question, earlier)

    def answer(self, question: str, scope: Scope, notify: Notify = silent) -> Answer:
        """Answer `question` with what `scope` shows. Raises `EmptyQuestion` and `StorageError`; a question that the
        data cannot answer is an answer that says so."""
        return self.answered(question, scope, notify).answer

    def answered(
        self, question: str, scope: Scope, notify: Notify = silent, *, earlier: Turn | None = None
    ) -> Answered:
        """`answer` after an earlier turn, with what the next one needs. What leaves for models has one budget."""
        with egress_budget(self.parts.egress_characters):
            return self._answered(question, scope, notify, earlier)

    def _answered(self, question: str, scope: Scope, notify: Notify, earlier: Turn | None) -> Answered:
        clock = _Clock()
        with stage("plan") as mark:
            resolved = self.resolved(question, scope, earlier)
            plan = asked_back(question, resolved.asked) if resolved.asked else self.plan(resolved.question, scope)
            mark.note(path=plan.route.path, steps=len(plan.steps), confidence=round(plan.route.confidence, 4))
        clock.lap("plan")
        if resolved.carried:
            notify("carried", {"question": resolved.question})
        notify("route", {"path": plan.route.path, "reason": plan.route.reason, "confidence": plan.route.confidence})
        parts = self.parts
        executor = Executor(
            parts.catalogue, parts.answering(scope), parts.passages, parts.scorer, scope, parts.catalogue.date()
        )
        found = executor.run(plan, notify)
        withheld = Withheld(executor, parts.documents, parts.tags).count(plan, found)
        clock.lap("read")
        documents = self._document_text(scope)
        teller = Teller(parts, scope, plan, found, CitationBook(), documents)
        with stage("compose") as mark:
            told = teller.tell()
            mark.note(sentences=len(told.sentences))
        clock.lap("write")
        prover = self._prover(plan, found, told, documents)
        streamed = notify if notify is not silent and parts.writer is None else None
        with stage("prove") as mark:
            proof = proven(prover, told.sentences, streamed)
            mark.note(kept=len(proof.kept))
        clock.lap("check")
        made = prover.prove(teller.make())
        clock.lap("make")
        proof = Proof((*proof.kept, *made.kept), (*proof.removed, *made.removed))
        written = Written(proof.kept)
        if parts.writer is not None and plan.route.path not in ("clarify", "refuse"):
            written = parts.writer.rewrite(proof.kept, prover)
            clock.lap("model")
            tell_all(written.sentences, notify)
        numbers = number(written.sentences, [c for note in told.notes for c in note.citations])
        looked = Looked(render(written.sentences, numbers))
        if plan.route.path not in ("clarify", "refuse"):  # a question back claims nothing
            phrases = [*prover.stated, *(passage.title for passage in told.passages)]
            looked = last_look(looked.text, {c.n: c for c in numbers.values()}, prover.known, phrases)
        shown = cleaned(looked.text, stated_addresses(numbers.values()))
        drafts, removed = drafts_without_addresses(told.drafts)
        notices = [*plan.notices, *found.notices, *told.notices, *proof.notices, *written.notices, *looked.notices]
        answer = Answer(
            carried=resolved.question if resolved.carried else "",
            id=uuid.uuid4().hex,
            question=question,
            as_of=parts.catalogue.date().isoformat(),
            answer=shown.text,
            route=route_view(plan, told),
            sql=[sql_view(found.tables[step.id]) for step in plan.steps if isinstance(step, SqlStep)],
            passages=[passage_view(p) for p in told.passages],
            citations=[citation_view(c) for c in numbers.values()],
            items=[note.view(numbers) for note in told.notes],
            drafts=drafts,
            chart=told.chart,
            images=told.images,
            notices=[*notices, *address_notices([*shown.removed, *removed])],
            withheld=withheld,
            egress=[asdict(one) for one in added_up([*plan.egress, *told.egress, *written.egress])],
            timings_ms=clock.laps(),
        )
        notify("done", {"id": answer.id})
        return Answered(answer, plan, Turn(resolved.question, listed(found, parts.names(scope))))

    def _agree(self, scope: Scope) -> Callable[[Reading, Reading], bool]:
        def rows(reading: Reading) -> list[tuple[str, ...]]:
            query = guard(reading.sql, self.parts.catalogue, scope, dialect=self.parts.reader.dialect)
            return sorted(tuple(map(str, row)) for row in self.parts.answering(scope).read(query).rows)

        return lambda one, other: rows(one) == rows(other)

    def _probe(self, scope: Scope) -> Callable[[str], Nearness]:
        passages, catalogue, embedder = self.parts.passages, self.parts.catalogue, self.parts.embedding(scope)
        if passages is None:
            return lambda _text: Nearness()

        def probe(text: str) -> Nearness:
            wanted = content_stems(text, catalogue)
            text = without_company(text, catalogue)
            near = [
                nearness(wanted, passages.search(text, scope, k=PROBED, per_document=2, narrow=narrow))
                for narrow in (Narrow(), Narrow(general=True))
            ]
            best = max(near, key=lambda n: 2 * n.relevance + n.coverage)
            if embedder is None:
                return best
            return replace(best, embedder=embedder.identity, vector=embedder.embed_query(text))

        return probe

    def _prover(self, plan: Plan, found: Findings, told: Told, documents: Callable[[str], str | None] | None) -> Prover:
        scores = [item.score for item in found.items if item.score is not None]
        return Prover(
            self.parts.catalogue,
            tables=[*found.tables.values(), *contribution_evidence(scores)],
            passages=told.passages,
            scores=scores,
            document_text=documents,
            known=NameDictionary(i.name for i in found.items if i.name not in plan.question),
            stated=[plan.question, *told.stated],
        )

    def _document_text(self, scope: Scope) -> Callable[[str], str | None] | None:
        documents = self.parts.documents
        if documents is None:
            return None
        texts: dict[str, str | None] = {}

        def text(doc_id: str) -> str | None:
            if doc_id not in texts:
                try:
                    texts[doc_id] = documents.document(doc_id, scope).text
                except NotFoundError:
                    texts[doc_id] = None
            return texts[doc_id]

        return text


def asked_back(question: str, asked: str) -> Plan:
    """The plan of a follow-up that leaves open what it means."""
    return Plan(question, Route("clarify", "the follow-up leaves open what it means", 0.8), clarification=asked)


def listed(found: Findings, names: Names) -> tuple[Named, ...]:
    """The entities that an answer lists, in its order: its items, else those that the cells of its rows name."""
    if found.items:
        return tuple(Named(item.entity, item.key, item.name) for item in found.items)
    named: dict[Named, None] = {}
    for evidence in found.tables.values():
        for row in evidence.rows.rows[:MOST_LISTED] if not named else ():
            cells = [mention for cell in row if isinstance(cell, str) for mention in names.find(cell)]
            named.update((m.meant[0], None) for m in cells[:1] if m.whole and len(m.meant) == 1)
    return tuple(named)


class _Clock:
    """Laps in milliseconds."""

    def __init__(self) -> None:
        self._start = self._last = time.perf_counter()
        self._laps: dict[str, float] = {}

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self._laps[name] = round((now - self._last) * 1000, 3)
        self._last = now

    def laps(self) -> dict[str, float]:
        return {**self._laps, "total": round((time.perf_counter() - self._start) * 1000, 3)}


def route_view(plan: Plan, told: Told) -> RouteView:
    """The way taken: the plan's, unless reading showed that nothing answers."""
    if told.path and told.path != plan.route.path:
        return RouteView(path=told.path, reason="nothing that was found answers the question", confidence=0.6)
    return RouteView(path=plan.route.path, reason=plan.route.reason, confidence=plan.route.confidence)


def sql_view(evidence: TableEvidence) -> SqlView:
    """A query and its rows as they go over the wire."""
    rows = [list(row) for row in evidence.rows.rows]
    return SqlView(
        text=evidence.text,
        columns=list(evidence.rows.columns),
        rows=rows,
        row_count=len(rows),
        truncated=evidence.rows.truncated,
    )


def passage_view(passage: Passage) -> PassageView:
    """A passage as it goes over the wire."""
    return PassageView(
        doc_id=passage.doc_id,
        text=passage.text,
        start=passage.start,
        end=passage.end,
        score=round(passage.score, 4),
        title=passage.title,
    )
