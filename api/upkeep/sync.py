"""Keeping a workspace up to date: sync the sources, draft a catalogue where there is none, embed, train."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from index.catalogue.model import Catalogue
from index.errors import TowerError
from query.scoring.scorer import LiveScorer

if TYPE_CHECKING:
    from api.service import Progress
    from api.settings import Settings
    from api.upkeep.owned import Owned
    from ingest.progress import Progress as Step
    from ingest.progress import SyncReport

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Upkeep:
    """One run of `ingest` or `reindex` over an owned workspace."""

    owned: Owned
    settings: Settings
    progress: Progress

    def ingest(self, only: Sequence[str], full: bool, reconcile: bool = False, retry: bool = False) -> list[SyncReport]:
        """Sync, then bring the live generation and the scores up to date with what was read. With `retry` only those
        sources that have something in quarantine, whose records are read again."""
        from api.upkeep.rebuild import Rebuild

        if retry:
            from ingest.retry import mark_for_retry

            only = mark_for_retry(self.owned.store, tuple(only))
            if not only:
                return []
        for line in Rebuild(self).notices():
            self.progress(line, 0, None)
        reports = self.sync(only, full, reconcile)
        self._index()
        self.train(changed=any(r.totals.loaded or r.totals.deleted for r in reports))
        return reports

    def sync(self, only: Sequence[str], full: bool, reconcile: bool = False) -> list[SyncReport]:
        """Read the sources; twice where the catalogue was drafted in between, so that documents find its entities."""
        from ingest.sync.sources import sync

        catalogue = self._catalogue()
        options: dict[str, Any] = {"only": only, "progress": self._step, "lost": self._let_go}
        reports = sync(self.owned.sources, self.owned.store, catalogue, full=full, reconcile=reconcile, **options)
        if catalogue is None and self._draft():
            again = sync(self.owned.sources, self.owned.store, self._catalogue(), **options)
            reports = [_with_warnings(one, again) for one in reports]
        self.resolve()
        self._remove_outdated(deleted=any(r.totals.deleted for r in reports))
        return reports

    def _let_go(self, source: str) -> None:
        """Something of `source` was deleted: vectors, answers, drafts and what is remembered follow now, not when the
        last source is done. What cannot be done now is done then."""
        from ingest.indexing import delete_stale

        owned = self.owned
        try:
            self._remove_outdated(deleted=True)
            if owned.generations.live() is not None:
                generation, gateway = owned.gateway()
                delete_stale(owned.store, gateway, generation)
        except TowerError as error:
            log.warning("%s: what was deleted there is not yet gone everywhere: %s", source, error.message)

    def _remove_outdated(self, *, deleted: bool) -> None:
        """What was deleted at its source does not live on in answers and drafts."""
        from index.forgetting.outdated import Outdated

        outdated = Outdated(self.owned.engines[0])
        if not deleted and not outdated.is_due():
            return
        self.owned.workspace._forget()
        for kind, count in outdated.remove(self.owned.workspace.catalogue).items():
            if count:
                log.info("%d %s spoke of what is gone, and were removed", count, kind)

    def resolve(self) -> None:
        """Say which records of different tables speak of one entity, where tower.yaml asks for it."""
        if not self.settings.resolve:
            return
        from ingest.config import load_resolves
        from ingest.entities import resolve_entities

        for entity, count in resolve_entities(self.owned.store, load_resolves(self.settings.resolve)).items():
            log.info("%s: %d records were resolved", entity, count)

    def _catalogue(self) -> Catalogue | None:
        from index.catalogue.file import load_catalogue

        path = self.settings.catalogue_path
        return load_catalogue(path) if path.is_file() else None

    def _draft(self) -> bool:
        """Write a catalogue drafted from the tables that were read; False where there is no table yet."""
        from index.catalogue.file import dump_catalogue
        from index.drafting.draft import draft_catalogue

        held = self.owned.store.tables()
        if not held:
            return False
        keys = {name: table.key for name, table in held.items()}
        catalogue = draft_catalogue(self.owned.engines[-1], tables=sorted(held), keys=keys)
        path = self.settings.catalogue_path
        temporary = path.with_suffix(".yaml.new")
        temporary.write_text(dump_catalogue(catalogue), encoding="utf-8")
        temporary.replace(path)
        return True

    def _index(self) -> None:
        from ingest.indexing import index_vectors, optimise

        owned = self.owned
        if not owned.store.status().chunks and owned.generations.live() is None:
            return
        generation, gateway = owned.gateway()
        index_vectors(owned.store, gateway, owned.embedder, generation, self._bar("embedding passages"))
        optimise(gateway)

    def retrain(self) -> list[str]:
        """Train the declared scores anew; a line for each. One that cannot be trained is an error here."""
        workspace = self.owned.workspace
        workspace._forget()
        everything = workspace.administrator()
        scorer = workspace.engine(everything).parts.scorer
        count = len(workspace.catalogue.scores)
        if not isinstance(scorer, LiveScorer) or not count:
            return []
        self.progress("training scores", 0, count)
        lines = list(scorer.train(everything))
        self.progress("training scores", count, count)
        return lines

    def train(self, *, changed: bool) -> None:
        """Train the declared scores, anew where something `changed`. One that cannot be trained is told in the log and
        does not stop the sync."""
        workspace = self.owned.workspace
        workspace._forget()
        everything = workspace.administrator()
        scorer = workspace.engine(everything).parts.scorer
        if not isinstance(scorer, LiveScorer) or not workspace.catalogue.scores:
            return
        if not changed and all(scorer.trained(score.name) for score in workspace.catalogue.scores):
            return
        self.progress("training scores", 0, len(workspace.catalogue.scores))
        try:
            for line in scorer.train(everything):
                log.info("%s", line)
        except TowerError as error:
            log.warning("scores were not trained: %s", error.message)
        self.progress("training scores", len(workspace.catalogue.scores), len(workspace.catalogue.scores))

    def _step(self, step: Step) -> None:
        self.progress(f"{step.source}: {step.item}", step.done, step.total or None)

    def _bar(self, what: str) -> Any:
        return lambda done, total: self.progress(what, done, total)


def _with_warnings(report: SyncReport, others: Sequence[SyncReport]) -> SyncReport:
    """The report with what the report of the same source among `others` warns of."""
    more = [line for other in others if other.source == report.source for line in other.warnings]
    return replace(report, warnings=tuple(dict.fromkeys((*report.warnings, *more))))


def status(owned: Owned, home: Path) -> dict[str, Any]:
    """What a workspace holds: sources with freshness and totals, counts, quarantine, generation, scores."""
    from index.forgetting.erase import Eraser

    held = asdict(owned.store.status())
    ledger = owned.workspace._ledger
    listed = {table.name for table in owned.workspace.catalogue.tables}
    return {
        "home": str(home),
        **held,
        "late": _late(owned, held["sources"]),
        "generations": [asdict(one) for one in owned.store.generations()],
        "hidden_tables": sorted(set(held["tables"]) - listed),
        "catalogue_problems": _problems(owned),
        "scores": [
            {"score": m.score, "version": m.version, "auc": m.auc, "created_at": m.created_at}
            for score in owned.workspace.catalogue.scores
            for m in ledger.models(score.name)
            if m.live
        ],
        "forgetting": Eraser(owned.engines[0]).unfinished(),
        "workers": _workers(owned),
        "jobs": [asdict(run) for run in owned.store.runs(limit=5) if run.status == "running"],
    }


def _workers(owned: Owned) -> list[dict[str, Any]]:
    """The processes that share the workspace's jobs: who was heard of, seconds ago, and what vectors it computes."""
    shared = owned.workspace.settings.jobs
    if not shared.shared:
        return []
    alive = owned.store.workers(shared.lease_s)
    return [{"name": one.name, "embeds": one.embeds, "silent_s": round(one.silent, 1)} for one in alive]


def _late(owned: Owned, sources: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The sources whose last sync is older than tower.yaml promises, with their age and the promise in seconds."""
    now = dt.datetime.now(dt.UTC)
    synced = {one["source"]: one["synced_at"] for one in sources}
    late = []
    for name, source in owned.sources.sources.items():
        last = synced.get(name, "")
        age = (now - dt.datetime.fromisoformat(last)).total_seconds() if last else None
        if source.promise and (age is None or age > source.promise):
            late.append({"source": name, "age_s": None if age is None else round(age), "promise_s": source.promise})
    return late


def _problems(owned: Owned) -> list[dict[str, str]]:
    """What the catalogue names and the index does not have, with what was left out for it."""
    from index.catalogue.file import load_catalogue
    from index.catalogue.prune import prune
    from index.drafting.read import database_schema

    path = owned.workspace.settings.catalogue_path
    if not path.is_file() or not owned.store.tables():
        return []
    _, problems = prune(load_catalogue(path), database_schema(owned.engines[-1]))
    return [{"path": p.path, "message": p.message, "hint": p.hint} for p in problems]
