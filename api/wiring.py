"""The object graph: settings in, an open workspace out. Nothing else builds these parts."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from api.access.principals import Principals
from api.audit import Audited
from api.workspace import Workspace
from index.audit import AuditLog
from index.catalogue.model import Catalogue
from index.errors import CatalogueError, NotFoundError, PolicyError, SettingsError
from index.scope import Scope

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from api.drafts.studio import LocalStudio
    from api.settings import ModelSettings, Settings
    from index.ledger import Ledger
    from index.masking.known import KnownPersons
    from index.readers import Readers
    from index.reading import SqlDocuments
    from index.search.signals import Signals
    from index.sql import SqlDatabase, SqlReader
    from index.vectors.shelves import Shelf
    from ingest.config import SourcesConfig
    from query.engine import QueryEngine
    from query.execute import Scorer
    from query.models.model import Model
    from query.models.writer import ModelWriter
    from query.parts import Studio
    from query.planning.population import TableReader
    from query.text2sql.asked_model import ModelPlanner

log = logging.getLogger(__name__)
Made = TypeVar("Made")
DATABASE = "tower.db"
ADMINISTRATOR = "admin"


def open_workspace(home: Path, settings: Settings, *, sql_url: str | None = None, warm: bool = False) -> Audited:
    """Open the workspace at `home`, made where it does not exist yet; with `sql_url` that database is asked in place.
    With `warm` the embedder loads from the start, beside everything else: for who is going to search at once.

    Raises `CatalogueError`, `SettingsError`, `StorageError`, `PolicyError`, and `NotFoundError` for a database that is
    not there.
    """
    _refuse_models(settings)
    if sql_url is not None and settings.policy_path.exists():
        raise PolicyError(
            f"{home} declares users, and what they may see of a database that is asked in place is not declared",
            hint="ask it from another workspace: --home DIR",
        )
    home.mkdir(parents=True, exist_ok=True)
    workspace = _in_place(home, settings, sql_url) if sql_url is not None else _own(home, settings, warm)
    return Audited(workspace, AuditLog(home))


def _refuse_models(settings: Settings) -> None:
    """A setting that would do nothing, or does not hold together, is an error before anything is opened."""
    model_of("planner", settings.models.planner)
    model_of("writer", settings.models.writer)
    image = settings.models.image
    if image.provider not in ("none", "openai-like"):
        raise SettingsError(
            f"models.image: {image.provider!r} is not supported: it is none or openai-like",
            hint="set models.image to none",
        )
    if image.provider != "none":
        model_of("image", image)  # the same keys


def studio_of(local: LocalStudio, chosen: ModelSettings) -> Studio:
    """What makes lifestyle pictures: the image model of the settings with the composer behind it, or the composer."""
    if chosen.provider == "none":
        return local
    from api.drafts.studio import ModelStudio
    from query.models.image_like import ImageLike

    model_of("image", chosen)  # the same keys
    model = ImageLike(chosen.base_url, chosen.model, chosen.api_key(), chosen.options, chosen.proxy)
    return ModelStudio(local, model, chosen.timeout_s)


def model_of(role: str, chosen: ModelSettings) -> Model | None:
    """The model of a role; None where its provider is none. Raises `SettingsError` where it does not hold together."""
    if chosen.provider == "none":
        return None
    from query.models.metered import Metered

    if chosen.provider == "openai-like":
        from query.models.openai_like import OpenAILike

        for key in ("base_url", "model"):
            if not getattr(chosen, key):
                raise SettingsError(
                    f"models.{role}: openai-like needs `{key}`",
                    hint="for example base_url: http://127.0.0.1:11434/v1, model: qwen2.5-coder",
                )
        client = OpenAILike(chosen.base_url, chosen.model, chosen.api_key(), chosen.options, chosen.proxy)
        return Metered(client, chosen.price_in, chosen.price_out)
    from query.models.llama import LlamaModel, load_llm

    given = {"model": chosen.model, "base_url": chosen.base_url, "api_key": chosen.api_key()}
    llm = load_llm(chosen.provider, {**{k: v for k, v in given.items() if v}, **chosen.options})
    name = chosen.model or chosen.provider.rpartition(".")[2]
    return Metered(LlamaModel(llm, name), chosen.price_in, chosen.price_out)


def _own(home: Path, settings: Settings, warm: bool) -> Workspace:
    from index.embedding.choice import choose_embedder
    from index.embedding.embedder import warm_beside

    embedder = choose_embedder(
        settings.embedding.runtime, settings.embedding_model, settings.cache_dir, settings.worker_threads
    )
    if warm:
        warm_beside(embedder)
    from index.engine import open_engine
    from index.feedback import FeedbackStore
    from index.ledger import Ledger
    from index.reading import SqlDocuments
    from index.remembered import RememberingReader
    from index.sql import SqlDatabase
    from index.store.store import Store
    from index.vectors.generations import Generations
    from ingest.config import load_sources

    url = index_url(home, settings)
    writing = open_engine(url)
    store = Store(writing)
    store.create()
    reading = open_engine(url, read_only=True)
    sources = load_sources(settings.sources, home.absolute(), settings.environment)
    tags = declared_tags(sources)
    if settings.jobs.shared:
        from api.upkeep.spread import SpreadEmbedder, connected

        embedder = SpreadEmbedder(embedder, store, lambda: connected(jobs_url(home, settings)), settings.jobs.lease_s)
    readers = _readers(writing) if settings.index.row_level_security else None
    reader = SqlDatabase(reading, readers=readers)
    ledger = Ledger(writing)
    documents = SqlDocuments(reading)
    workspace = Workspace(
        home=home,
        settings=settings,
        reader=reader,
        ledger=ledger,
        feedback=FeedbackStore(writing),
        build=lambda catalogue, opened: _engine(
            catalogue,
            reader,
            _live_scorer(catalogue, reader, ledger),
            home,
            settings,
            {**opened, "memory": RememberingReader(reader)},
        ),
        load=lambda: _catalogue(settings, reader, tags),
        outline=lambda: _outline(settings, reader),
        store=store,
        sources=sources,
        tags=tags,
        generations=Generations(home, store, _shelf(home, settings)),
        embedder=embedder,
        signals=lambda: signals_of(settings),
        documents=documents,
        engines=(writing, reading),
        principals=Principals(
            settings.policy_path,
            settings.catalogue_path,
            tags,
            lambda: declared_catalogue(settings),
            lambda scope: _with_subjects(scope, workspace, reader, documents),
            required="policy" in settings.model_fields_set,
        ),
    )
    return workspace


def _readers(writing: Engine) -> Readers:
    """The roles that read for askers; raises `SettingsError` where the database's user may not make them."""
    from index.readers import Readers

    readers = Readers(writing)
    readers.check()
    return readers


def signals_of(settings: Settings) -> Signals:
    """What the settings ask ranking to weigh."""
    from index.search.signals import CrossEncoderReader, Signals

    asked = settings.ranking
    reader = CrossEncoderReader(settings.home / Path(asked.cross_encoder).expanduser()) if asked.cross_encoder else None
    return Signals(asked.half_life_days, asked.recency, asked.authority, asked.per_author, reader, asked.per_sender)


def index_url(home: Path, settings: Settings) -> str:
    """Where the SQL index is: the database of the settings, else a file of the workspace."""
    return settings.index.full_url() or f"sqlite:///{(home / DATABASE).absolute()}"


def jobs_url(home: Path, settings: Settings) -> str:
    """Where jobs are kept: `jobs.store`, else with the SQL index where processes share it, else a file of the
    workspace."""
    from api.upkeep.durable import journal_url

    return settings.jobs.store or (index_url(home, settings) if settings.jobs.shared else journal_url("", home))


def declared_catalogue(settings: Settings, *, check: bool = True) -> Catalogue:
    """The catalogue as its file declares it, whatever the index holds of it yet; an empty one where there is none."""
    from index.catalogue.file import load_catalogue

    return load_catalogue(settings.catalogue_path, check=check) if settings.catalogue_path.is_file() else Catalogue(())


def _shelf(home: Path, settings: Settings) -> Shelf | None:
    """The vector server of the settings; None for the embedded engine."""
    chosen = settings.vectors
    if not chosen.url:
        return None
    from index.vectors.server import VectorServer
    from index.vectors.shelves import ServerShelf

    server = VectorServer(chosen.url, chosen.api_key(), chosen.collection_prefix, chosen.shards, chosen.replicas)
    return ServerShelf(server, home)


def declared_tags(sources: SourcesConfig) -> frozenset[str]:
    """Every document tag that the sources declare; a source without a mapping of its own tags by its name."""
    tags: set[str] = set(sources.sources)
    for source in sources.sources.values():
        for table in (source.tables or {}).values():
            tags.update(table.documents.tags if table.documents else ())
        for documents in getattr(source, "documents", None) or ():
            tags.update(documents.tags)
    return frozenset(tags)


def _in_place(home: Path, settings: Settings, url: str) -> Workspace:
    from index.drafting.draft import draft_catalogue
    from index.engine import open_engine
    from index.feedback import FeedbackStore
    from index.ledger import Ledger
    from index.sql import SqlDatabase
    from index.store.store import Store

    engine = open_engine(url, read_only=True)
    writing = open_engine(index_url(home, settings))
    Store(writing).create()
    reader = SqlDatabase(engine)
    return Workspace(
        home=home,
        settings=settings,
        reader=reader,
        ledger=Ledger(writing),
        feedback=FeedbackStore(writing),
        build=lambda catalogue, opened: _engine(catalogue, reader, _NoScores(), home, settings, opened),
        load=lambda: draft_catalogue(engine),
        engines=(engine, writing),
    )


def _live_scorer(catalogue: Catalogue, reader: SqlDatabase, ledger: Ledger) -> Scorer:
    from query.scoring.scorer import LiveScorer

    return LiveScorer(catalogue, reader, ledger)


def _engine(
    catalogue: Catalogue,
    reader: SqlReader,
    scorer: Scorer,
    home: Path,
    settings: Settings,
    opened: Mapping[str, object],
) -> QueryEngine:
    from api.drafts.studio import LocalStudio
    from query.drafts.template import TemplateSet
    from query.engine import QueryEngine
    from query.parts import Parts
    from query.planning.entity_names import EntityNames

    folders = LocalStudio(home.absolute(), settings.sources)
    templates = settings.catalogue_path.parent / "templates"
    tables = _by_scope(lambda scope: _tables(catalogue, reader, scope))
    parts = Parts(
        catalogue,
        reader,
        tables,
        _by_scope(lambda scope: EntityNames(catalogue, reader, scope)),
        scorer,
        templates=TemplateSet(templates if templates.is_dir() else None, settings.drafts.language),
        pictures=folders.find,
        studio=studio_of(folders, settings.models.image),
        second=_second_planner(catalogue, reader, settings, tables, documents="documents" in opened),
        writer=_writer(catalogue, reader, settings),
        egress_characters=settings.models.egress_characters,
    )
    return QueryEngine(replace(parts, **opened))  # type: ignore[arg-type]


def _writer(catalogue: Catalogue, reader: SqlReader, settings: Settings) -> ModelWriter | None:
    """Who asks the model of the role `writer`; None where the role has none."""
    chosen = settings.models.writer
    model = model_of("writer", chosen)
    if model is None:
        return None
    from query.models.writer import ModelWriter

    return ModelWriter(model, _persons(catalogue, reader, settings), chosen.timeout_s)


def _persons(catalogue: Catalogue, reader: SqlReader, settings: Settings) -> Callable[[], KnownPersons | None]:
    """The known names, read once: what must not leave, whoever asks."""
    from index.masking.people import known_persons

    whole = catalogue.whole or catalogue
    everybody = Scope.administrator(whole, frozenset())
    return cache(lambda: known_persons(whole, reader, everybody, settings.models.pseudonyms))


def _second_planner(
    catalogue: Catalogue,
    reader: SqlReader,
    settings: Settings,
    tables: Callable[[Scope], TableReader],
    *,
    documents: bool,
) -> Callable[[Scope], ModelPlanner] | None:
    """The planner that asks the model of the role `planner`, by scope; None where the role has none."""
    chosen = settings.models.planner
    model = model_of("planner", chosen)
    if model is None:
        return None
    from api.evaluation.golden import read_examples
    from index.masking.about import Attributes
    from query.text2sql.asked_model import ModelPlanner

    persons = _persons(catalogue, reader, settings)
    examples = read_examples(settings.golden_path)
    whole = catalogue.whole or catalogue
    about = _by_scope(lambda scope: Attributes(whole, reader, scope, settings.models.pseudonyms))
    return lambda scope: ModelPlanner(
        model, catalogue, reader, scope, tables(scope).own().links, persons, examples, chosen.timeout_s, documents,
        lambda name: about(scope).of(name),
    )  # fmt: skip


def _tables(catalogue: Catalogue, reader: SqlReader, scope: Scope) -> TableReader:
    """The grammar's planner for one scope, in the dialect of the database."""
    from index.guard.guard import guard
    from query.text2sql.planner import TableQuestionPlanner

    planner = TableQuestionPlanner(catalogue, reader, scope)
    if reader.dialect == "sqlite":
        return planner
    from query.text2sql.dialects import DialectTables

    def accepts(sql: str) -> bool:
        return reader.accepts(guard(sql, catalogue, scope, dialect=reader.dialect))

    return DialectTables(planner, reader.dialect, catalogue, accepts)


def _by_scope(make: Callable[[Scope], Made]) -> Callable[[Scope], Made]:
    """`make` once a sight: what it makes reads the stored values once and serves every question of who sees the
    same."""
    made: dict[str, Made] = {}

    def of(scope: Scope) -> Made:
        key = scope.sight()
        if key not in made:
            made[key] = make(scope)
        return made[key]

    return of


def _catalogue(settings: Settings, reader: SqlDatabase, tags: frozenset[str]) -> Catalogue:
    """The workspace's catalogue with the values that its tables hold; an empty one where there is none yet.

    What names a table or column that the index does not have is left out, and said in the log and in `status`.
    """
    from index.catalogue.data import enrich

    catalogue = _outline(settings, reader, check=True)
    return enrich(catalogue, reader, Scope.administrator(catalogue, tags, ADMINISTRATOR))


def _outline(settings: Settings, reader: SqlDatabase, *, check: bool = False) -> Catalogue:
    """The workspace's catalogue as far as the index has its tables and columns, without values."""
    from index.catalogue.prune import prune
    from index.drafting.read import database_schema

    declared = declared_catalogue(settings, check=check)
    if not declared.tables:
        return declared
    catalogue, problems = prune(declared, database_schema(reader.engine))
    for problem in problems:
        log.warning("%s: %s: %s", settings.catalogue_path, problem.path, problem.message)
    return catalogue


def _with_subjects(scope: Scope, workspace: Workspace, reader: SqlDatabase, documents: SqlDocuments) -> Scope:
    """`scope` with what its documents may be about filled in, where they follow rows."""
    from index.policy.documents import with_subjects

    return with_subjects(scope, workspace.outline, reader, documents.subjects()) if scope.follows else scope


class _NoScores:
    """The scorer of a database that is asked in place: its drafted catalogue declares no scores."""

    def score(self, name: str, keys: object, scope: Scope, keep: object = None) -> tuple[()]:
        raise NotFoundError(f"no score {name!r} here", hint="scores are declared in a workspace's catalogue")

    def due(self, name: str, start: str, end: str, scope: Scope) -> frozenset[str]:
        raise CatalogueError(f"no score {name!r} here")
