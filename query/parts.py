"""What the query engine is built from; `api.wiring` fills it in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from index.catalogue import Catalogue
from index.embedder import Embedder
from index.reading import DocumentReader
from index.scope import Scope
from index.sql import SqlReader
from query.execute import PassageSearch, Scorer
from query.planning import TableReader


@dataclass(frozen=True)
class Parts:
    """What the engine is built from; `None` where a workspace has no documents (a database asked in place)."""

    catalogue: Catalogue
    reader: SqlReader
    tables: Callable[[Scope], TableReader]
    scorer: Scorer
    passages: PassageSearch | None = None
    documents: DocumentReader | None = None
    embedder: Embedder | None = None
