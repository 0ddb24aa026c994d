"""The catalogue (semantic model): tables, columns, joins, metrics, entities and scores, as frozen values.

It is written as YAML that people review in git; `index.catalogue.file` reads, checks and writes it.
`docs/catalogue.md` describes the file.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

ColumnType = Literal["integer", "number", "text", "date", "datetime", "boolean"]
Role = Literal["key", "name", "measure", "dimension", "time", "text", "flag", "image", "email", "reference"]
Sensitivity = Literal["public", "internal", "personal", "secret"]
FeatureKind = Literal["number", "category"]


@dataclass(frozen=True)
class Column:
    """One column. `values` lists the distinct values when there are few (at most 200), else is empty."""

    name: str
    type: ColumnType
    label: str
    description: str = ""
    synonyms: tuple[str, ...] = ()
    role: Role = "dimension"
    sensitivity: Sensitivity = "internal"
    unit: str = ""
    values: tuple[str, ...] = ()
    value_synonyms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    minimum: float | str | None = None
    maximum: float | str | None = None


@dataclass(frozen=True)
class Table:
    """One table or view. `name_column` is what people call a row by; `time_column` dates it."""

    name: str
    label: str
    columns: tuple[Column, ...]
    description: str = ""
    synonyms: tuple[str, ...] = ()
    source: str = ""
    key: tuple[str, ...] = ()
    name_column: str | None = None
    time_column: str | None = None
    rows: int = 0

    def column(self, name: str) -> Column | None:
        """The column of that exact name, or None."""
        return next((c for c in self.columns if c.name == name), None)


@dataclass(frozen=True)
class Join:
    """`left.left_columns[i] = right.right_columns[i]`; the right side is the one that is looked up (many to one)."""

    left: str
    left_columns: tuple[str, ...]
    right: str
    right_columns: tuple[str, ...]


@dataclass(frozen=True)
class Metric:
    """A named aggregate: `sql` is an aggregate expression over columns of `table`, with bare column names.

    `time` is `table.column` of the date that periods apply to (may be in a joined table).
    """

    name: str
    label: str
    table: str
    sql: str
    time: str = ""
    unit: str = ""
    description: str = ""
    synonyms: tuple[str, ...] = ()


@dataclass(frozen=True)
class Term:
    """Business vocabulary for rows of a table: "open ticket" is `tickets` where `status <> 'Closed'`.

    `where` is a condition over bare column names of `table`.
    """

    name: str
    table: str
    where: str
    synonyms: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fact:
    """Something to know about one entity: a SELECT with the parameters `:key` and `:today`.

    `documents` names a document source instead of `sql` where the fact is a passage about the entity.
    """

    name: str
    label: str
    sql: str


@dataclass(frozen=True)
class Entity:
    """A kind of thing that records and documents speak of; `key` and `name` are columns of `table`.

    `contact` and `owner` are facts (by name) that give the addressee (`name`, `email`) and our own person
    (`name`, `email`) of a draft. `top_by` says in words what "our top 10" of them are ranked by when a question
    does not say: "revenue in the last 12 months".
    """

    name: str
    table: str
    key: str
    name_column: str
    synonyms: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    contact: str = ""
    owner: str = ""
    top_by: str = ""

    def fact(self, name: str) -> Fact | None:
        """The fact of that name, or None."""
        return next((f for f in self.facts if f.name == name), None)


@dataclass(frozen=True)
class Feature:
    """A feature of a score: a SELECT with `:as_of` that gives `(entity key, value)` for every entity that has one.

    It may only read what was known on `:as_of`. `label` is how a reason reads, with `{value}` in it;
    `missing` is the value of an entity that the SELECT does not return (an empty text for a category); `evidence` is an
    optional SELECT with `:key` and `:as_of` that gives the rows (first column: their key) behind the value, from table
    `evidence_table`. `lower` says in words what would lower the score. `direction` is +1 where more is riskier, -1
    where less is, 0 where the data decides. A feature of the kind `category` has texts as values.
    """

    name: str
    label: str
    sql: str
    missing: float = 0.0
    direction: int = 1
    evidence: str = ""
    evidence_table: str = ""
    lower: str = ""
    next_step: str = ""
    kind: FeatureKind = "number"


@dataclass(frozen=True)
class Stated:
    """What people record of what a score measures: a column of the entity's own table, with the values that say `low`
    and those that say `high`. Where they and the score differ, an answer says so."""

    column: str
    low: tuple[str, ...] = ()
    high: tuple[str, ...] = ()


@dataclass(frozen=True)
class Score:
    """A probability that `event` happens to an entity within `horizon_days`, learned from its history.

    A table that knows no time has an `outcome` instead: a SELECT that gives `(entity key, 1 or 0)` for every entity
    whose outcome is known.

    `population` is a SELECT with `:as_of` that gives the keys of the entities alive on that day;
    `event` is a SELECT that gives `(entity key, date)` of every event so far;
    `due` is `table.column` of the date that "this quarter" speaks of for this score, by `due_key` to the entity.
    `threshold` is the probability from which an entity counts as at risk.
    """

    name: str
    label: str
    entity: str
    population: str
    event: str
    features: tuple[Feature, ...]
    horizon_days: int = 90
    threshold: float = 0.5
    due: str = ""
    due_sql: str = ""
    snapshots: int = 6
    synonyms: tuple[str, ...] = ()
    description: str = ""
    outcome: str = ""
    stated: Stated | None = None


@dataclass(frozen=True)
class Catalogue:
    """Everything that planning knows about the data. Names are unique per kind.

    `whole` is set where this is the part that a scope shows: the catalogue that it was cut from, which the row rules
    of a policy are written against.
    """

    tables: tuple[Table, ...]
    joins: tuple[Join, ...] = ()
    metrics: tuple[Metric, ...] = ()
    terms: tuple[Term, ...] = ()
    entities: tuple[Entity, ...] = ()
    scores: tuple[Score, ...] = ()
    company: str = ""
    currency: str = ""
    today: dt.date | None = None
    fiscal_year_start: int = 1
    vocabulary: Mapping[str, str] = field(default_factory=dict)
    whole: Catalogue | None = field(default=None, repr=False, compare=False)

    def __iter__(self) -> Iterator[Table]:
        return iter(self.tables)

    def table(self, name: str) -> Table | None:
        """The table of that exact name, or None."""
        return next((t for t in self.tables if t.name == name), None)

    def entity(self, name: str) -> Entity | None:
        """The entity of that name, or None."""
        return next((e for e in self.entities if e.name == name), None)

    def entity_of(self, table: str) -> Entity | None:
        """The entity whose rows live in `table`, or None."""
        return next((e for e in self.entities if e.table == table), None)

    def date(self) -> dt.date:
        """The day that relative periods count from: the catalogue's own `today`, else the calendar's."""
        return self.today or dt.date.today()
