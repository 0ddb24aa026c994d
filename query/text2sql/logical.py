"""The intermediate query: what a question asks for, before joins and SQL text. All values are frozen.

An expression names columns by table; which joins connect the tables is worked out when it is rendered.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

Function = Literal["count", "sum", "avg", "min", "max"]
Operator = Literal["=", "!=", ">", ">=", "<", "<=", "like", "not like", "is null", "is not null", "in", "not in"]
Grain = Literal["day", "week", "month", "quarter", "year"]
Literal_ = str | int | float


@dataclass(frozen=True)
class ColumnRef:
    """A column of a table."""

    table: str
    column: str


@dataclass(frozen=True)
class Span:
    """The days from one date column to another."""

    start: ColumnRef
    end: ColumnRef


@dataclass(frozen=True)
class Superior:
    """A column of the row that `reference` points at, in the same table: the name of an employee's manager."""

    column: ColumnRef
    reference: str
    key: str


@dataclass(frozen=True)
class Scalar:
    """The one value that a query of its own gives."""

    query: Query


@dataclass(frozen=True)
class Aggregate:
    """An aggregate: of `argument`, or of the rows of `table` when there is none."""

    function: Function
    table: str
    argument: ColumnRef | Span | None = None
    distinct: bool = False


@dataclass(frozen=True)
class MetricRef:
    """A metric of the catalogue; `sql` is its aggregate expression over bare columns of `table`."""

    name: str
    table: str
    sql: str
    time: str = ""


@dataclass(frozen=True)
class Bucket:
    """A date column cut to a grain: `month` gives '2026-03', `quarter` '2026-Q1', `year` '2026'."""

    column: ColumnRef
    grain: Grain


@dataclass(frozen=True)
class Share:
    """The percentage of `of` that also meets `conditions`; without conditions, the group's part of the whole."""

    of: Aggregate | MetricRef
    conditions: tuple[Predicate, ...] = ()


@dataclass(frozen=True)
class Difference:
    """`left - right`, of two columns or two aggregates."""

    left: Expression
    right: Expression


@dataclass(frozen=True)
class Ratio:
    """`left / right`, of two aggregates (orders per customer) or two columns of a row."""

    left: Expression
    right: Expression


@dataclass(frozen=True)
class Narrowed:
    """An aggregate over only the rows that meet `conditions`; `label` names it ("q1 2026")."""

    of: Aggregate | MetricRef
    conditions: tuple[Predicate, ...]
    label: str


@dataclass(frozen=True)
class Part:
    """The sum of `measure` over the rows that `subtype` lists and that belong to a row of `owner`."""

    measure: ColumnRef
    subtype: str
    owner: str


@dataclass(frozen=True)
class Total:
    """The parts added up for a row of their owner, and folded over the rows."""

    parts: tuple[Part, ...]
    function: Function


Expression = (
    Part
    | Total
    | ColumnRef
    | Ratio
    | Narrowed
    | Aggregate
    | MetricRef
    | Bucket
    | Share
    | Difference
    | Span
    | Superior
    | Scalar
)


@dataclass(frozen=True)
class Condition:
    """`left operator right`; `right` is literals, another expression, or a query that gives one value or a set."""

    left: Expression
    operator: Operator
    right: tuple[Literal_, ...] | Query | ColumnRef | Superior = ()


@dataclass(frozen=True)
class TermCondition:
    """A business term: a SQL condition over bare columns of `table`."""

    table: str
    sql: str
    name: str = ""
    negated: bool = False


@dataclass(frozen=True)
class Related:
    """Rows of the root that have (or, `negated`, have not) related rows of `table` that meet `conditions`."""

    table: str
    conditions: tuple[Predicate, ...] = ()
    negated: bool = False


@dataclass(frozen=True)
class AnyOf:
    """At least one of the conditions."""

    conditions: tuple[Predicate, ...]


@dataclass(frozen=True)
class AllOf:
    """All of the conditions, inside an `AnyOf`."""

    conditions: tuple[Predicate, ...]


@dataclass(frozen=True)
class Among:
    """The values of `columns` together are a row of `query`."""

    columns: tuple[ColumnRef, ...]
    query: Query


Predicate = Condition | TermCondition | Related | AnyOf | AllOf | Among


@dataclass(frozen=True)
class Order:
    """One ordering key."""

    by: Expression
    descending: bool = False


@dataclass(frozen=True)
class Query:
    """One query. `root` is the table whose rows are meant; `context` are tables that must have a related row.

    `hints` are stems of the question's words: they choose between two joins of the same tables. With `every`, a row
    stands once for each related row that meets the conditions; without, once.
    """

    root: str
    select: tuple[Expression, ...]
    where: tuple[Predicate, ...] = ()
    group: tuple[Expression, ...] = ()
    having: tuple[Condition, ...] = ()
    order: tuple[Order, ...] = ()
    limit: int | None = None
    offset: int = 0
    distinct: bool = False
    context: tuple[str, ...] = ()
    hints: frozenset[str] = field(default=frozenset())
    every: bool = False

    def with_(self, **changes: object) -> Query:
        """A copy with some fields changed."""
        return replace(self, **changes)  # type: ignore[arg-type]


def tables_of(expression: Expression) -> frozenset[str]:
    """The tables that an expression reads."""
    if isinstance(expression, ColumnRef | MetricRef | Aggregate):
        return frozenset({expression.table})
    if isinstance(expression, Bucket | Superior):
        return frozenset({expression.column.table})
    if isinstance(expression, Scalar):
        return frozenset({expression.query.root})
    if isinstance(expression, Part):
        return frozenset({expression.owner})
    if isinstance(expression, Total):
        return frozenset(p.owner for p in expression.parts)
    if isinstance(expression, Span):
        return tables_of(expression.start) | tables_of(expression.end)
    if isinstance(expression, Share | Narrowed):
        return tables_of(expression.of)
    return tables_of(expression.left) | tables_of(expression.right)


def is_aggregate(expression: Expression) -> bool:
    """True when the expression folds many rows into one value."""
    if isinstance(expression, Difference | Ratio):
        return is_aggregate(expression.left)
    return isinstance(expression, Aggregate | MetricRef | Share | Narrowed | Scalar | Total)


def predicate_tables(predicate: Predicate) -> frozenset[str]:
    """The tables that a predicate reads outside nested queries."""
    if isinstance(predicate, Condition):
        own = tables_of(predicate.left)
        if isinstance(predicate.right, ColumnRef | Superior):
            return own | tables_of(predicate.right)
        return own
    if isinstance(predicate, Among):
        return frozenset(c.table for c in predicate.columns)
    if isinstance(predicate, AnyOf | AllOf):
        return frozenset().union(*(predicate_tables(p) for p in predicate.conditions))
    return frozenset({predicate.table})
