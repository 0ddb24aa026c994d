"""What the query engine is built from; `api.wiring` fills it in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from index.catalogue.model import Catalogue
from index.embedding.asked import OwnEmbedder
from index.embedding.embedder import Embedder
from index.reading import DocumentReader
from index.scope import Scope
from index.sql import SqlReader
from query.compose.written import Written
from query.drafts.template import TemplateSet
from query.evidence import Sentence
from query.execute import PassageSearch, Scorer
from query.plan import Egress, Plan
from query.planning.population import Names, TableReader
from query.proof.prove import Prover

EGRESS_CHARACTERS = 200_000  # that may leave for models about one question


@dataclass(frozen=True)
class WantedPicture:
    """A lifestyle picture to make: around the product picture at the path `picture`, of the product `key` called
    `title`, in a `season` (spring, summer, autumn, winter)."""

    picture: str
    key: str
    title: str
    season: str = "summer"


@dataclass(frozen=True)
class Lifestyle:
    """A picture that was made: `composed` of the product's own picture and a drawn scene, or by a model; `egress` is
    what left for it."""

    path: str
    composed: bool = True
    notice: str = ""
    egress: tuple[Egress, ...] = ()


class Studio(Protocol):
    """Makes pictures: a provider of the `image` role, or the one that draws them here."""

    def lifestyle(self, wanted: Sequence[WantedPicture]) -> Sequence[Lifestyle]:
        """A picture for each, in order; those of one answer are asked for together, so that they share a deadline."""
        ...


class SecondPlanner(Protocol):
    """Has its say on a plan of the grammar (`query.text2sql.asked_model.ModelPlanner`)."""

    def consider(self, plan: Plan) -> Plan:
        """The plan to run."""
        ...


class Writer(Protocol):
    """Puts proven sentences into other words (`query.models.writer.ModelWriter`)."""

    def rewrite(self, sentences: Sequence[Sentence], prover: Prover) -> Written:
        """The sentences to show, proven as well."""
        ...

    def shared(self) -> Writer:
        """The writer for several texts of one answer, which have one deadline together."""
        ...


class Memory(Protocol):
    """Gives rows again that were read since the data last changed (`index.remembered.RememberingReader`)."""

    def of(self, asker: str) -> SqlReader:
        """The reader that remembers what `asker` read, and nothing that others did."""
        ...


@dataclass(frozen=True)
class Parts:
    """What the engine is built from; `None` where a workspace has no documents (a database asked in place).

    `tables` gives the table planner of a scope, `names` its dictionary of entity names; `pictures` turns a picture
    path of the data into one to open; `tags` are all that documents may carry.
    """

    catalogue: Catalogue
    reader: SqlReader
    tables: Callable[[Scope], TableReader]
    names: Callable[[Scope], Names]
    scorer: Scorer
    passages: PassageSearch | None = None
    documents: DocumentReader | None = None
    embedder: Embedder | None = None
    templates: TemplateSet = field(default_factory=TemplateSet)
    pictures: Callable[[str], str] = str
    studio: Studio | None = None
    second: Callable[[Scope], SecondPlanner] | None = None
    writer: Writer | None = None
    memory: Memory | None = None
    egress_characters: int = EGRESS_CHARACTERS
    tags: frozenset[str] = frozenset()

    def embedding(self, scope: Scope) -> Embedder | None:
        """What questions and sentences are embedded with; it remembers what this asker asked."""
        return None if self.embedder is None else OwnEmbedder(self.embedder, scope.principal.name)

    def answering(self, scope: Scope) -> SqlReader:
        """What answers are read with. Who proves an answer reads with `reader`: from the source, never from memory."""
        return self.reader if self.memory is None else self.memory.of(scope.principal.name)
