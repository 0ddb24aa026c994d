"""A plan: the frozen value that `explain` prints and `ask` runs.

A question becomes a route and steps; a step may use the keys or rows of earlier steps, named by id.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Path = Literal["sql", "vector", "hybrid", "clarify", "refuse"]
DraftKind = Literal["retention", "follow_up", "product_description"]


@dataclass(frozen=True)
class Route:
    """Which way a question goes, why, and the calibrated probability that the answer is right."""

    path: Path
    reason: str
    confidence: float


@dataclass(frozen=True)
class Link:
    """Words of the question (`text`, characters `start` to `end`) tied to something in the catalogue.

    `kind` is table, column, value, metric, term, entity, period, number or score; `target` is `table`,
    `table.column`, or the name; `value` the literal for value, number and period links.
    """

    text: str
    start: int
    end: int
    kind: str
    target: str
    value: str = ""
    score: float = 1.0


@dataclass(frozen=True)
class Reading:
    """One way to understand a question over tables. `sql` is unguarded SQL in the SQLite-neutral dialect of the
    index; `explanation` says it in words; `entity` names the entity whose key is in column `key_column` of the
    result, when the rows are entities. `chartable` columns: `x` is the label or time column, `y` the measures.
    """

    sql: str
    confidence: float
    explanation: str
    links: tuple[Link, ...] = ()
    tables: tuple[str, ...] = ()
    entity: str | None = None
    key_column: str | None = None
    x: str | None = None
    y: tuple[str, ...] = ()
    title: str = ""


@dataclass(frozen=True)
class Choice:
    """The ways in which a question can be meant: `kind` is scope, attachment or vague, `options` say each way in
    words, `readings` are those that can be asked of the tables."""

    kind: str
    options: tuple[str, ...]
    readings: tuple[Reading, ...]


@dataclass(frozen=True)
class SqlStep:
    """Run `reading.sql` through the guard."""

    id: str
    reading: Reading
    purpose: str = "answer"


@dataclass(frozen=True)
class SearchStep:
    """Find passages for `query`. `keys_from` narrows to the entities in that step's rows; `require` keeps, of those
    entities, only the ones with a relevant passage. `general` prefers documents that are about no entity in particular
    (policies, guides, terms); with `keys_from` it looks there too, with the values of that step's rows as more words.
    """

    id: str
    query: str
    k: int = 8
    keys_from: str | None = None
    require: bool = False
    general: bool = False
    sources: tuple[str, ...] = ()
    purpose: str = "answer"


@dataclass(frozen=True)
class ScoreStep:
    """Score the entities of `keys_from`. `at_risk` keeps those at or above the threshold, `due` those whose due date
    lies in the half-open range of ISO dates, `top` the highest so many."""

    id: str
    score: str
    keys_from: str
    at_risk: bool = True
    due: tuple[str, str] | None = None
    due_text: str = ""
    top: int | None = None


@dataclass(frozen=True)
class DraftStep:
    """Draft one e-mail (or description) for each entity of `keys_from`."""

    id: str
    kind: DraftKind
    entity: str
    keys_from: str
    images: bool = False
    topics: tuple[str, ...] = ()


@dataclass(frozen=True)
class ChartStep:
    """Draw the rows of `rows_from`."""

    id: str
    rows_from: str
    kind: str = "auto"


@dataclass(frozen=True)
class ImageStep:
    """Make a lifestyle image for each entity of `keys_from`."""

    id: str
    entity: str
    keys_from: str


@dataclass(frozen=True)
class ProfileStep:
    """Read the catalogue's facts about each entity of `keys_from`."""

    id: str
    entity: str
    keys_from: str


Step = ProfileStep | SqlStep | SearchStep | ScoreStep | DraftStep | ChartStep | ImageStep


@dataclass(frozen=True)
class Egress:
    """What left for a model: which `fields`, how many characters, and how many places in them were masked."""

    model: str
    fields: tuple[str, ...]
    characters: int
    masked: int


def added_up(egress: Iterable[Egress]) -> tuple[Egress, ...]:
    """One record a model: the fields that left, and the sums of characters and masked places."""
    found: dict[str, Egress] = {}
    for one in egress:
        had = found.get(one.model, Egress(one.model, (), 0, 0))
        fields = tuple(dict.fromkeys((*had.fields, *one.fields)))
        found[one.model] = Egress(one.model, fields, had.characters + one.characters, had.masked + one.masked)
    return tuple(found.values())


@dataclass(frozen=True)
class Plan:
    """`question` understood: the route, its steps in order, the other readings that were close, and notices.

    `plain` says that the words were planned by the grammar (and are no SQL, greeting or order), so that another planner
    may have its say; `egress` is what left for a model while planning.
    """

    question: str
    route: Route
    steps: tuple[Step, ...] = ()
    alternatives: tuple[Reading, ...] = ()
    clarification: str = ""
    notices: tuple[str, ...] = ()
    plain: bool = False
    egress: tuple[Egress, ...] = ()
