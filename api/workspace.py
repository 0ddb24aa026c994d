"""An open workspace: what the command line, HTTP and notebooks talk to. `api.wiring` builds it.

Parts that cost time to open (vectors, model) are opened when first needed; one process owns the vector index.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from api.access.caller import Caller
from api.conversations import Conversations
from api.drafts.queue import LedgerQueue
from api.engines import Engines
from api.evaluation.feedback import FeedbackDesk
from api.passages import LONGEST_QUESTION_S, LivePassages
from api.running import Running
from api.upkeep.score_models import LedgerModels
from api.upkeep.turn import Turn
from api.views import WorkspaceViews
from index.catalogue.model import Catalogue
from index.errors import NotFoundError, PolicyError, UsageError
from index.scope import Scope
from index.stages import stage

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from api.access.principals import Principals
    from api.drafts.exporting import Outbox
    from api.evaluation.replay import Replay
    from api.service import OnEvent, Progress
    from api.settings import Settings
    from api.upkeep.forgetting import Mode
    from api.upkeep.owned import Owned
    from index.documents import Passage
    from index.embedding.asked import Asked
    from index.embedding.embedder import Embedder
    from index.feedback import FeedbackStore
    from index.guard.guard import GuardedQuery
    from index.ledger import Ledger
    from index.reading import SqlDocuments
    from index.search.passages import PassageIndex
    from index.search.signals import Signals
    from index.sql import Rows, SqlDatabase
    from index.store.store import Store
    from index.vectors.gateway import VectorGateway
    from index.vectors.generations import Generations
    from ingest.config import SourcesConfig
    from query.answer import Answer, DraftView
    from query.engine import QueryEngine
    from query.evidence import EntityScore
    from query.plan import Plan
    from query.proof.text_check import Finding

MOST_ENTITIES = 100_000


class Workspace:
    """Implements `api.service.Service`. `store` and what follows are None for a database that is asked in place."""

    def __init__(
        self,
        *,
        home: Path,
        settings: Settings,
        reader: SqlDatabase,
        ledger: Ledger,
        feedback: FeedbackStore,
        build: Callable[[Catalogue, Mapping[str, object]], QueryEngine],
        load: Callable[[], Catalogue],
        outline: Callable[[], Catalogue] | None = None,
        engines: Sequence[Engine],
        store: Store | None = None,
        sources: SourcesConfig | None = None,
        tags: frozenset[str] = frozenset(),
        generations: Generations | None = None,
        embedder: Embedder | None = None,
        signals: Callable[[], Signals] | None = None,
        documents: SqlDocuments | None = None,
        principals: Principals | None = None,
    ) -> None:
        self.home = home
        self.settings = settings
        self._reader = reader
        self._ledger = ledger
        self._build = build
        self._load = load
        self._read_outline = outline or load
        self._engines = engines
        self._store = store
        self._sources = sources
        self._tags = tags
        self._generations = generations
        self._embedder = embedder
        self._documents = documents
        self._running = Running()
        self._live = LivePassages.of(self._running, generations, embedder, documents, signals)
        self.principals = principals
        self._catalogue: Catalogue | None = None
        self._outline: Catalogue | None = None
        self._administrator: tuple[Catalogue, Scope] | None = None
        self._built = Engines(self._made)
        self._opening = threading.RLock()
        self._upkeep = Turn(store)  # one ingest or reindex at a time; questions go on beside it
        self.drafts = LedgerQueue(ledger, self._lint, self._outbox)
        self._conversations = Conversations(ledger)
        self.models = LedgerModels(self)
        self.views = WorkspaceViews(self)
        self.feedback = FeedbackDesk(self, feedback)

    # --- what there is -------------------------------------------------------------------------------------------

    @property
    def catalogue(self) -> Catalogue:
        """The semantic model in use, with the values that the tables hold."""
        with self._opening:
            if self._catalogue is None:
                self._catalogue = self._load()
            return self._catalogue

    @property
    def outline(self) -> Catalogue:
        """The catalogue without the values that the tables hold, which take a while to read: what policy needs."""
        with self._opening:
            if self._catalogue is not None:
                return self._catalogue
            if self._outline is None:
                self._outline = self._read_outline()
            return self._outline

    @property
    def generation(self) -> str:
        """The generation of the vector index that answers; empty before the first ingest."""
        return self._live.generation if self._live is not None and self._live.opened() is not None else ""

    def scope_for(self, user: str | Caller | None) -> Scope:
        """What `user` may see: everything for the local administrator (None), in a workspace without users.

        Raises `PolicyError` for nobody where users are declared, and for a user that is not.
        """
        if self.principals is None and user is not None:
            name = user.name if isinstance(user, Caller) else user
            raise PolicyError(f"a database that is asked in place has no user {name!r}", hint="leave --as away")
        scope = self.principals.scope(user) if self.principals is not None else None
        return self.administrator() if scope is None else scope

    def administrator(self) -> Scope:
        """The scope of the workspace's own upkeep; whoever asks gets theirs from `scope_for`."""
        outline = self.outline
        made = self._administrator
        if made is None or made[0] is not outline:  # one object, which caches know again
            made = self._administrator = (outline, Scope.administrator(outline, self._tags))
        return made[1]

    def engine(self, scope: Scope) -> QueryEngine:
        """The query engine for what `scope` shows; shared by scopes that see the same."""
        return self._engine(scope)[0]

    def _engine(self, scope: Scope) -> tuple[QueryEngine, str]:
        """The engine, and the generation that it reads."""
        with self._opening:
            return self._built.of(scope)

    def _made(self, scope: Scope) -> tuple[QueryEngine, str]:
        passages = self._open_passages()
        return self.engine_over(scope, passages), self._live.generation if self._live is not None else ""

    def engine_over(self, scope: Scope, passages: PassageIndex | None) -> QueryEngine:
        """A query engine of its own for what `scope` shows, over those passages."""
        from index.catalogue.scope import narrow

        shown = narrow(self.catalogue, scope, self._reader)
        opened = {"passages": passages, "documents": self._documents, "embedder": self._embedder, "tags": self._tags}
        return self._build(shown, opened if passages is not None else {})

    def _open_passages(self) -> PassageIndex | None:
        """The passage index of the live generation; None where there is none yet."""
        return self._live.opened() if self._live is not None else None

    def _outbox(self) -> Outbox:
        from api.drafts.exporting import Outbox

        return Outbox(self.settings.drafts)

    # --- questions -----------------------------------------------------------------------------------------------

    def ask(self, question: str, scope: Scope, *, conversation: str = "", on_event: OnEvent | None = None) -> Answer:
        """Answer within `scope`; the answer, its turn in the conversation and its drafts are kept."""
        scope.require("ask")
        with stage("ask") as mark:
            answer = self._answered(question, scope, conversation, on_event)
            mark.note(
                answer_id=answer.id,
                path=answer.route.path,
                rows=sum(one.row_count for one in answer.sql),
                passages=len(answer.passages),
                citations=len(answer.citations),
                drafts=len(answer.drafts),
                confidence=round(answer.route.confidence, 4),
            )
        return answer

    def _answered(self, question: str, scope: Scope, conversation: str, on_event: OnEvent | None) -> Answer:
        """Answer and keep it."""
        from query.engine import silent

        earlier = self._conversations.latest(scope, conversation) if conversation else None
        with self._running.one():
            engine, generation = self._engine(scope)
            answered = engine.answered(question, scope, on_event or silent, earlier=earlier)
            answer = answered.answer
            answer.generation = generation
            answer.conversation_id = conversation or answer.id
            self._ledger.save_answer(scope, answer.id, answer.model_dump_json())
            self._conversations.keep(scope, answered)
            for draft in answer.drafts:
                self._ledger.save_draft(scope, draft.id, answer.id, draft.entity, draft.key, draft.model_dump_json())
        return answer

    def explain(self, question: str, scope: Scope) -> Plan:
        """The plan that `ask` would run."""
        scope.require("ask")
        with self._running.one():
            return self.engine(scope).plan(question, scope)

    def search(self, query: str, scope: Scope, k: int, *, repeats: bool = False) -> tuple[Passage, ...]:
        """The best `k` passages, one of a document; none where nothing is indexed."""
        scope.require("ask")
        if not query.strip():
            raise UsageError("the query is empty", hint="say what to look for")
        if self._live is not None and self._live.gateway is None and self._embedder is not None:
            from index.embedding.embedder import warm_beside

            warm_beside(self._embedder)
        with self._running.one():
            passages = self._open_passages()
            return passages.search(query, scope, k=k, per_document=1, repeats=repeats) if passages is not None else ()

    def prepare(self, asked: Sequence[Asked]) -> None:
        """Embed what will be searched for, together."""
        if self._live is not None:
            self._live.prepare(asked)

    def sql(self, text: str, scope: Scope) -> tuple[GuardedQuery, Rows]:
        """A user's own SELECT, through the guard."""
        from index.guard.guard import guard

        scope.require("sql")
        query = guard(text, self.catalogue, scope, dialect=self._reader.dialect)
        return query, self._reader.read(query)

    def answer(self, answer_id: str, scope: Scope) -> Answer:
        """An answer given earlier; raises `NotFoundError`."""
        from query.answer import Answer

        return Answer.model_validate_json(self._ledger.answer(scope, answer_id).body)

    def replay(self, answer_id: str, scope: Scope) -> Replay:
        """Ask the question of a kept answer again and tell what changed; nothing of it is kept."""
        from api.evaluation.replay import replayed

        scope.require("ask")
        before = self.answer(answer_id, scope)
        with self._running.one():
            engine, generation = self._engine(scope)
            after = engine.answer(before.carried or before.question, scope)
        after.generation = generation
        return replayed(before, after)

    def check_citations(self, answer: Answer, scope: Scope) -> Sequence[str]:
        """Read every citation from its source again: a line for each that does not hold."""
        from api.evaluation.checking import check_citations

        with self._running.one():
            return check_citations(answer, scope, self.engine(scope).parts)

    def _lint(self, scope: Scope, draft: DraftView, proposed: str, to_export: bool) -> Sequence[Finding]:
        """What does not hold in a draft, read again for `scope`."""
        from query.drafts.lint import DraftLinter

        with self._running.one():
            return DraftLinter(self.engine(scope).parts, scope).findings(draft, proposed=proposed, to_export=to_export)

    def churn(self, scope: Scope, key: str | None = None) -> Sequence[EntityScore]:
        """Scores by the first declared score, highest first; of one entity with `key`."""
        from index.guard.guard import guard

        scope.require("ask")
        parts = self.engine(scope).parts
        if not parts.catalogue.scores:
            raise NotFoundError("the catalogue declares no score", hint="docs/catalogue.md says how to declare one")
        score = parts.catalogue.scores[0]
        entity = parts.catalogue.entity(score.entity)
        assert entity is not None
        scorer = parts.scorer
        if key is not None:
            found = scorer.score(score.name, [key], scope)
            if not found:
                raise NotFoundError(
                    f"no score for {entity.name} {key!r}", hint="it does not exist, has left, or is too new to score"
                )
            return found
        sql = f'SELECT "{entity.key}" FROM "{entity.table}"'
        query = guard(sql, parts.catalogue, scope, dialect=self._reader.dialect, limit=MOST_ENTITIES)
        return scorer.score(score.name, [str(row[0]) for row in self._reader.read(query).rows], scope)

    # --- upkeep --------------------------------------------------------------------------------------------------

    def ingest(
        self, only: Sequence[str], full: bool, progress: Progress, *, reconcile: bool = False, retry: bool = False
    ) -> Sequence[Any]:
        """Bring sources, vectors and scores up to date; one report a source."""
        from api.upkeep.sync import Upkeep

        with self._upkeep:
            reports = Upkeep(self._owned(), self.settings, progress).ingest(only, full, reconcile, retry)
            self._forget()
            return reports

    def reindex(
        self,
        sources: Sequence[str],
        vectors_only: bool,
        full: bool,
        progress: Progress,
        *,
        apart: bool = False,
        golden: bool = True,
        dry_run: bool = False,
    ) -> Any:
        """Sync unless `vectors_only`, then build a new generation, check it, switch."""
        from api.upkeep.rebuild import Rebuild
        from api.upkeep.sync import Upkeep

        rebuild = Rebuild(Upkeep(self._owned(), self.settings, progress), apart=apart, golden=golden)
        if dry_run:
            return rebuild.cost(sources, vectors_only)
        with self._upkeep:
            return rebuild.run(sources, vectors_only, full)

    def quarantine(self, scope: Scope, source: str) -> list[dict[str, Any]]:
        """The records in quarantine, of one source where it is named."""
        from index.lineage import seen_record

        scope.require("ingest")
        held = self._owned().store.quarantined(source)
        return [asdict(seen_record(one, self.catalogue, scope) if self._governed() else one) for one in held]

    def _governed(self) -> bool:
        return self.principals is not None and self.principals.declared()

    def lineage(self, scope: Scope, table: str, key: str) -> dict[str, Any]:
        """Where a row comes from, and the sync that last changed it."""
        from index.lineage import lineage, seen_lineage

        scope.require("ingest")
        if not self._governed():
            return asdict(lineage(self._owned().store, table, key))
        return asdict(seen_lineage(self._owned().store, table, key, self.catalogue, self._reader, scope))

    def forget(self, scope: Scope, entity: str, mode: Mode, progress: Progress) -> dict[str, Any]:
        """Take a customer out of every store and give the receipt; or only `look`, or `undo` the keeping out."""
        from api.upkeep.forgetting import forget
        from api.upkeep.sync import Upkeep

        scope.require("forget")
        with self._upkeep:
            if mode == "forget":
                self._owned().live.close_retired()
            done = forget(Upkeep(self._owned(), self.settings, progress), scope, entity, mode)
            self._forget()
            return done

    def retrain(self, progress: Progress) -> Any:
        """Train the declared scores anew; a line for each."""
        from api.upkeep.sync import Upkeep

        with self._upkeep:
            lines = Upkeep(self._owned(), self.settings, progress).retrain()
            self._forget()
            return lines

    def roll_back(self, progress: Progress) -> Any:
        """Switch back to the generation before the live one, after it caught up with what was read since."""
        from api.upkeep.rebuild import Rebuild
        from api.upkeep.sync import Upkeep

        with self._upkeep:
            return Rebuild(Upkeep(self._owned(), self.settings, progress)).roll_back()

    def status(self) -> dict[str, Any]:
        """What the workspace holds, JSON-compatible."""
        from api.upkeep.sync import status

        return status(self._owned(), self.home)

    def health(self) -> dict[str, str]:
        """What is wrong with `records` and `passages`; empty texts where they are well."""
        from api.health import health

        return health(self.catalogue, self._reader, self._count_passages)

    def _count_passages(self) -> None:
        if self._live is not None:
            self._live.count()

    def close(self) -> None:
        """Let go of the workspace; idempotent."""
        if self._live is not None:
            self._live.close_retired(5.0)
        with self._opening:
            if self._live is not None:
                self._live.close()
            for engine in self._engines:
                engine.dispose()

    def settle(self) -> bool:
        """Drop what was built, and wait for the questions that run; true where there were some."""
        self._forget()
        return self._running.any() and self._running.wait(LONGEST_QUESTION_S)

    def _owned(self) -> Owned:
        if self._store is None or self._sources is None or self._generations is None or self._embedder is None:
            raise UsageError("a database that is asked in place has nothing to bring up to date")
        from api.upkeep.owned import Owned

        return Owned(self)

    def _forget(self) -> None:
        """Drop what was built on the old state; the next question builds it anew.

        The principals are told without `_opening` held: they hold a lock of their own while they read the catalogue.
        """
        with self._opening:
            self._catalogue = self._outline = None
            self._built.clear()
        if self.principals is not None:
            self.principals.forget()

    def take(self, generation: str, gateway: VectorGateway) -> None:
        """From the next question on `generation` answers; those that run go on with the one they have."""
        assert self._live is not None
        passages = self._live.take(generation, gateway)
        with self._opening:
            self._built.take(passages, generation)
