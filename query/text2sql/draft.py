"""The query that the grammar is building: mutable while the rules run, then a frozen `Query`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from index.catalogue.model import Catalogue, Column, Table
from query.text2sql.lexicon import Lexicon
from query.text2sql.linking import Candidate
from query.text2sql.logical import (
    Aggregate,
    AnyOf,
    ColumnRef,
    Condition,
    Expression,
    Grain,
    MetricRef,
    Order,
    Predicate,
    TermCondition,
)
from query.text2sql.periods import Period
from query.text2sql.sentence import Sentence, Symbol
from query.text2sql.tokens import words_of


@dataclass
class Draft:
    """What the rules have found so far. `notes` say in words what each rule did; `penalty` counts bad fits."""

    sentence: Sentence
    lexicon: Lexicon
    catalogue: Catalogue
    grain: Grain | None = None
    compare: str = ""
    select: list[tuple[int, Expression]] = field(default_factory=list)
    where: list[Predicate] = field(default_factory=list)
    filters: dict[str, list[Predicate]] = field(default_factory=dict)
    group: list[Expression] = field(default_factory=list)
    group_tables: list[str] = field(default_factory=list)
    having: list[Condition] = field(default_factory=list)
    order: list[Order] = field(default_factory=list)
    limit: int | None = None
    offset: int = 0
    distinct: bool = False
    superlative: bool = False
    heads: list[str] = field(default_factory=list)
    context: list[str] = field(default_factory=list)
    periods: list[tuple[Period, ColumnRef | None]] = field(default_factory=list)
    both: list[tuple[Predicate, ...]] = field(default_factory=list)
    share: bool = False
    toward: str = ""
    lost: bool = False
    subject: str | None = None
    event: str = ""
    event_table: str = ""
    share_conditions: list[Predicate] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    penalty: float = 0.0

    def keep(self, *predicates: Predicate) -> str:
        """Note conditions; the symbol F that stands for them in the sentence, so that "or" between two is seen."""
        name = f"F{len(self.filters)}"
        self.filters[name] = list(predicates)
        return f" {name} "

    def settle(self) -> None:
        """Turn the noted conditions into `where`, joining those with "or" between them."""
        merged: dict[str, str] = {}
        for match in re.finditer(
            r"(F\d+)(?=(?: ,| ¦)*(?: [a-z]+| [TC]\d+){0,2} (?:or|and/or)"
            r"(?: (?!and\b)(?:[a-z]+|[TC]\d+|¦)){0,6} (F\d+))",
            self.sentence.text,
        ):
            merged[match[2]] = merged.get(match[1], match[1])
        groups: dict[str, list[Predicate]] = {}
        for name, predicates in self.filters.items():
            groups.setdefault(merged.get(name, name), []).extend(predicates)
        both = re.search(r"\bboth\b[^?.]*?(F\d+)\b[^?.]*?\band\b[^?.]*?(F\d+)", self.sentence.text)
        if both:
            self.both = [tuple(groups.pop(name)) for name in (both[1], both[2]) if name in groups]
        if self.share:
            self.share_conditions = [p for predicates in groups.values() for p in predicates]
            groups = {}
        for name, predicates in groups.items():
            if name in merged.values():
                self.where.append(AnyOf(tuple(dict.fromkeys(predicates))))
            else:
                self.where.extend(predicates)
        self.where = merged_equalities(self.where)
        self.filters.clear()

    def symbol(self, name: str) -> Symbol:
        """The symbol of that name."""
        return self.sentence.symbols[name]

    def candidate(self, name: str) -> Candidate:
        """The candidate behind a table, column, value, metric, term or text symbol."""
        found = self.symbol(name).candidate
        assert found is not None, name
        return found

    def refs(self, name: str) -> list[ColumnRef]:
        """The columns of a column symbol."""
        candidate = self.candidate(name)
        return [ColumnRef(candidate.table, c) for c in candidate.columns]

    def column(self, ref: ColumnRef) -> Column | None:
        """The catalogue's column of a reference."""
        table = self.lexicon.table(ref.table)
        return table.column(ref.column) if table else None

    def base_condition(self, name: str) -> Predicate:
        """The condition of a value or term symbol."""
        candidate = self.candidate(name)
        if candidate.kind == "term":
            held = next(t for t in self.catalogue.terms if t.name == candidate.target and t.table == candidate.table)
            return TermCondition(held.table, held.where, held.name)
        return Condition(ColumnRef(candidate.table, candidate.columns[0]), "=", (candidate.value,))

    def table(self, name: str) -> Table | None:
        """The visible part of a table."""
        return self.lexicon.table(name)

    def expressions(self, name: str) -> list[Expression]:
        """The expressions of a column, aggregate or metric symbol; of a table symbol, the count of its rows."""
        symbol = self.symbol(name)
        if symbol.expression is not None:
            return [symbol.expression]
        candidate = self.candidate(name)
        if candidate.kind == "metric":
            return [self.metric(candidate.target)]
        if candidate.kind == "table":
            return [Aggregate("count", candidate.table)]
        return list(self.refs(name))

    def metric(self, name: str) -> MetricRef:
        """The metric of that name."""
        metric = next(m for m in self.catalogue.metrics if m.name == name)
        return MetricRef(metric.name, metric.table, metric.sql, metric.time)

    def names_of(self, table: str) -> list[ColumnRef]:
        """What stands for a row of `table` in a list: its name columns, else its key, else its first column."""
        held = self.table(table)
        if held is None:
            return []
        columns = self.lexicon.name_columns(held) or held.key or (held.columns[0].name,)
        return [ColumnRef(table, c) for c in columns]

    def key_of(self, table: str) -> list[ColumnRef]:
        """The key columns of `table`; its name columns where it has no key."""
        held = self.table(table)
        if held is None or not held.key or any(held.column(k) is None for k in held.key):
            return self.names_of(table)
        return [ColumnRef(table, k) for k in held.key]

    def is_name(self, ref: ColumnRef) -> bool:
        """True when the column names or identifies the rows of its table."""
        held = self.table(ref.table)
        if held is None:
            return False
        return ref.column in self.lexicon.name_columns(held) or ref.column in held.key

    def measure_of(self, table: str) -> ColumnRef | None:
        """The measure that "large" and "how much" speak of: an amount of money, else the only measure."""
        held = self.table(table)
        measures = [c for c in held.columns if c.role == "measure"] if held else []
        for column in measures:
            words = set(words_of(column.label)) | set(words_of(column.name))
            if words & {"amount", "value", "total", "revenue", "sales"} or column.unit.upper() in ("EUR", "USD", "GBP"):
                return ColumnRef(table, column.name)
        return ColumnRef(table, measures[0].name) if len(measures) == 1 else None

    def numeric(self, ref: ColumnRef) -> bool:
        """True for a column of numbers."""
        column = self.column(ref)
        return column is not None and column.type in ("integer", "number")

    def temporal(self, ref: ColumnRef) -> bool:
        """True for a column of dates or years."""
        column = self.column(ref)
        return column is not None and (column.type in ("date", "datetime") or "year" in column.label.lower())

    def digits(self, ref: ColumnRef) -> bool:
        """True for a column of texts that are all numbers, as far as its values are known."""
        column = self.column(ref)
        texts = column.values if column is not None and column.type == "text" else ()
        return bool(texts) and all(v.replace(".", "", 1).lstrip("-").isdigit() for v in texts if v)

    def worded(self, ref: ColumnRef) -> bool:
        """True for a column of texts that are no numbers, as far as its values are known."""
        column = self.column(ref)
        if column is None or column.type != "text" or not column.values:
            return False
        return not all(v.replace(".", "", 1).replace(",", "").lstrip("-").isdigit() for v in column.values)

    def of_years(self, ref: ColumnRef) -> bool:
        """True for a column of whole numbers that can all be years, whatever it is called."""
        column = self.column(ref)
        if column is None or column.type not in ("integer", "number") or column.role in ("key", "reference"):
            return False
        low, high = column.minimum, column.maximum
        return (
            isinstance(low, int | float)
            and isinstance(high, int | float)
            and 1000 <= low <= high <= 2100
            and low == int(low)
        )


def merged_equalities(where: list[Predicate]) -> list[Predicate]:
    """Two equalities on one column can never both hold: they were meant as a set."""
    out: list[Predicate] = []
    for predicate in where:
        if isinstance(predicate, Condition) and predicate.operator == "=" and isinstance(predicate.right, tuple):
            for i, held in enumerate(out):
                if (
                    isinstance(held, Condition)
                    and held.left == predicate.left
                    and held.operator in ("=", "in")
                    and isinstance(held.right, tuple)
                ):
                    out[i] = Condition(held.left, "in", tuple(dict.fromkeys((*held.right, *predicate.right))))
                    break
            else:
                out.append(predicate)
        else:
            out.append(predicate)
    return out
