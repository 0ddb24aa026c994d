"""Whom the workspace knows, for masking: read as the local administrator, whoever asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from index.catalogue.model import Catalogue
from index.scope import Scope

if TYPE_CHECKING:
    from api.settings import Settings
    from index.masking.known import KnownPersons
    from index.sql import SqlDatabase


def known_persons_of(home: Path, settings: Settings) -> KnownPersons | None:
    """The persons that the workspace at `home` knows, for masking; None before its first ingest, and in a workspace
    that declares users.

    They are read as the local administrator, whoever asks: what is known is what must not get out.
    """
    from index.masking.people import known_persons

    with _as_administrator(home, settings) as held:
        return known_persons(*held, settings.models.pseudonyms) if held else None


def attributes_of(home: Path, settings: Settings) -> Callable[[str], str]:
    """What may be told of the bearer of a name that the workspace at `home` knows; of nobody where it knows none."""
    from index.masking.about import Attributes

    with _as_administrator(home, settings) as held:
        return Attributes(*held, settings.models.pseudonyms).read().of if held else lambda name: ""


@contextmanager
def _as_administrator(home: Path, settings: Settings) -> Iterator[tuple[Catalogue, SqlDatabase, Scope] | None]:
    """What the local administrator reads of the workspace at `home`; None where nothing is there or users are
    declared: who calls is not known here, and what is masked would tell whom the workspace knows."""
    from api.wiring import DATABASE, index_url
    from index.catalogue.file import load_catalogue
    from index.catalogue.prune import prune
    from index.drafting.read import database_schema
    from index.engine import open_engine
    from index.sql import SqlDatabase

    held = settings.index.url or (home / DATABASE).is_file()
    if not held or not settings.catalogue_path.is_file() or settings.policy_path.exists():
        yield None
        return
    engine = open_engine(index_url(home, settings), read_only=True)
    try:
        catalogue, _ = prune(load_catalogue(settings.catalogue_path), database_schema(engine))
        yield catalogue, SqlDatabase(engine), Scope.administrator(catalogue, frozenset())
    finally:
        engine.dispose()
