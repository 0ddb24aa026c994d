"""What a model is told to write SQL from: the linked part of the catalogue, linked values, and known questions.

Only what the scope shows of a table is in it; values of columns that hold personal or secret data are never listed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from index.catalogue.model import Catalogue, Column, Table
from index.errors import TowerError
from index.guard.guard import guard
from index.scope import Scope
from query.models import Message, Outgoing
from query.plan import Link, Reading
from query.text2sql.render import quoted
from query.text2sql.thesaurus import FUNCTION_WORDS
from query.text2sql.tokens import stems_of

MOST_CHARACTERS = 14_000  # of the tables; what does not fit is left out, least linked first
MOST_VALUES = 12  # of one column
LONGEST_VALUE = 40
MOST_EXAMPLES = 3
CANNOT = "CANNOT ANSWER"
_ENGINES = {"sqlite": "SQLite", "postgres": "PostgreSQL", "mysql": "MySQL"}
_TYPES = {"integer": "INTEGER", "number": "NUMERIC", "text": "TEXT", "date": "DATE", "datetime": "TIMESTAMP",
          "boolean": "BOOLEAN"}  # fmt: skip
_CAREFUL = frozenset({"personal", "secret"})


@dataclass(frozen=True)
class Example:
    """A question whose SQL is known."""

    question: str
    sql: str


@dataclass(frozen=True)
class PromptWriter:
    """Writes the conversation that asks a model for SQL, for one scope."""

    catalogue: Catalogue
    scope: Scope
    dialect: str
    today: dt.date
    examples: Sequence[Example] = ()

    def messages(
        self, question: str, links: Sequence[Link], readings: Sequence[Reading], outgoing: Outgoing
    ) -> list[Message]:
        """The instruction and the question, masked; `outgoing` notes the fields."""
        engine = _ENGINES.get(self.dialect, self.dialect)
        system = (
            f"You write one {engine} SELECT that answers a question. Use only the tables and columns below, with their "
            "exact names. Select only what is asked for, in the order it is asked for. Angle brackets such as "
            "<PERSON:ab12-1> stand for a value: use them as they are. Answer with the query in a ```sql block and "
            f"nothing else; if the tables cannot answer, say {CANNOT} and why."
        )
        tables = self.chosen(question, links, readings)
        if any(self._listed(t) for t in tables):
            outgoing.fields["values"] = None
        parts = [
            outgoing.mask("tables", "\n\n".join(self._table(t) for t in tables)),
            outgoing.mask("joins", self._joins(tables)),
            outgoing.mask("metrics", self._metrics(tables)),
            outgoing.mask("values", self._values(links)),
            outgoing.mask("examples", self._examples(question)),
            f"Today is {self.today.isoformat()}.",
            "Question: " + outgoing.mask("question", question),
        ]
        return [
            Message("system", system + outgoing.legend()),
            Message("user", "\n\n".join(part for part in parts if part)),
        ]

    def chosen(self, question: str, links: Sequence[Link], readings: Sequence[Reading]) -> list[Table]:
        """The tables that the question is linked to, those of its readings, and what joins them; then others that
        share a word with it, as many as there is room for. All of them where nothing is linked."""
        shown = {t.name: t for t in self.catalogue.tables if self._columns(t)}
        linked = dict.fromkeys(place(link)[0] for link in links)
        linked.update(dict.fromkeys(m.table for k in links for m in self.catalogue.metrics if k.target == m.name))
        linked.update(dict.fromkeys(name for reading in readings for name in reading.tables))
        near = [
            other
            for join in self.catalogue.joins
            for name, other in ((join.left, join.right), (join.right, join.left))
            if name in linked
        ]
        asked = set(stems_of(question))
        alike = [t.name for t in shown.values() if self._words(t) & asked]
        rest = list(shown) if not linked else []
        chosen: list[Table] = []
        room = MOST_CHARACTERS
        for name in dict.fromkeys((*linked, *near, *alike, *rest)):
            if name in shown and (size := len(self._table(shown[name]))) <= room:
                room -= size
                chosen.append(shown[name])
        return chosen

    def _words(self, table: Table) -> set[str]:
        named = " ".join((table.label, *table.synonyms, *(c.label for c in self._columns(table))))
        return {s for s in stems_of(named) if s not in FUNCTION_WORDS}

    def _named(self, table: str) -> str:
        """A table's name as SQL says it; outside of SQLite what stands before a dot is its schema."""
        schema, _, last = table.rpartition(".") if self.dialect != "sqlite" else ("", "", table)
        return f"{quoted(schema)}.{quoted(last)}" if schema else quoted(last)

    def _columns(self, table: Table) -> list[Column]:
        shown = self.scope.tables.get(table.name)
        return [c for c in table.columns if shown is not None and shown.columns.get(c.name) in ("visible", "masked")]

    def _table(self, table: Table) -> str:
        about = [part for part in (table.label, table.description, f"{table.rows} rows" if table.rows else "") if part]
        lines = [f"CREATE TABLE {self._named(table.name)} ( -- {'; '.join(about)}"]
        shown = self.scope.tables[table.name].columns
        for column in self._columns(table):
            key = " PRIMARY KEY" if table.key == (column.name,) else ""
            said = self._about(column, seen=shown[column.name] == "visible")
            lines.append(f"  {quoted(column.name)} {_TYPES[column.type]}{key},{f' -- {said}' if said else ''}")
        return "\n".join([*lines, ");"])

    def _listed(self, table: Table) -> bool:
        """True for a table of which values or ranges are told."""
        return any(
            (c.values or c.minimum is not None) and c.sensitivity not in _CAREFUL
            for c in self._columns(table)
            if self.scope.tables[table.name].columns[c.name] == "visible"
        )

    def _about(self, column: Column, *, seen: bool) -> str:
        known = column.label.lower().replace(" ", "_") == column.name.lower()
        parts = ["" if known else column.label, column.description, column.unit]
        if seen and column.sensitivity not in _CAREFUL:
            values = [v for v in column.values if len(v) <= LONGEST_VALUE][:MOST_VALUES]
            if values:
                more = ", ..." if len(values) < len(column.values) else ""
                parts.append("values " + ", ".join(map(literal, values)) + more)
            elif column.minimum is not None and column.role not in ("key", "reference"):
                parts.append(f"from {column.minimum} to {column.maximum}")
        return " ".join("; ".join(part for part in parts if part).split())

    def _joins(self, tables: Iterable[Table]) -> str:
        names = {t.name: {c.name for c in self._columns(t)} for t in tables}
        lines = []
        for join in self.catalogue.joins:
            if {*join.left_columns} <= names.get(join.left, set()) and {*join.right_columns} <= names.get(
                join.right, set()
            ):
                pairs = zip(join.left_columns, join.right_columns, strict=True)
                lines.append(
                    " AND ".join(
                        f"{self._named(join.left)}.{quoted(a)} = {self._named(join.right)}.{quoted(b)}"
                        for a, b in pairs
                    )
                )
        return "Joins:\n" + "\n".join(lines) if lines else ""

    def _metrics(self, tables: Iterable[Table]) -> str:
        names = {t.name for t in tables}
        lines = [f"{m.label}: {m.sql} over {self._named(m.table)}" for m in self.catalogue.metrics if m.table in names]
        lines += [f"{t.name}: {t.where} in {self._named(t.table)}" for t in self.catalogue.terms if t.table in names]
        return "What words mean:\n" + "\n".join(lines) if lines else ""

    def _values(self, links: Sequence[Link]) -> str:
        lines = []
        for link in links:
            table, name = place(link)
            if link.kind == "value" and name:
                lines.append(f"“{link.text}” is {self._named(table)}.{quoted(name)} = {literal(link.value)}")
            elif link.kind == "period" and link.value:
                lines.append(f"“{link.text}” is the time from {link.value.replace('/', ' up to, without, ')}")
        return "In the question:\n" + "\n".join(dict.fromkeys(lines)) if lines else ""

    def _examples(self, question: str) -> str:
        near = nearest(question, self.examples, 3 * MOST_EXAMPLES)
        lines = [f"{e.question}\n{e.sql}" for e in near if self._passes(e.sql)][:MOST_EXAMPLES]
        return "Known questions:\n" + "\n".join(lines) if lines else ""

    def _passes(self, sql: str) -> bool:
        """True for SQL over nothing but what the scope shows."""
        try:
            guard(sql, self.catalogue, self.scope, dialect=self.dialect)
        except TowerError:
            return False
        return True


def nearest(question: str, examples: Sequence[Example], most: int) -> list[Example]:
    """The examples that share most words with the question; none that shares nothing."""
    asked = _content(question)
    scored = [(_alike(asked, _content(e.question)), -at, e) for at, e in enumerate(examples)]
    return [e for score, _, e in sorted(scored, key=lambda s: s[:2], reverse=True)[:most] if score > 0]


def personal_values(links: Iterable[Link], catalogue: Catalogue) -> list[str]:
    """The linked values that stand in personal or secret columns: they are masked wherever they are said."""
    careful: Mapping[tuple[str, str], bool] = {
        (t.name, c.name): c.sensitivity in _CAREFUL for t in catalogue.tables for c in t.columns
    }
    found = []
    for link in links:
        if link.kind == "value" and careful.get(place(link)):
            found += [link.value, link.text]
    return found


def place(link: Link) -> tuple[str, str]:
    """Table and column of a link; the name of a table may hold a dot (its schema)."""
    if link.kind == "table":
        return link.target, ""
    table, dot, column = link.target.rpartition(".")
    return (table, column) if dot else (link.target, "")


def literal(value: str) -> str:
    """A text as a SQL literal."""
    return "'" + value.replace("'", "''") + "'"


def _content(text: str) -> frozenset[str]:
    return frozenset(s for s in stems_of(text) if s not in FUNCTION_WORDS)


def _alike(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other) if one and other else 0.0
