"""Reading the scores of a catalogue file: from history, or from the columns of one table with a known outcome."""

from __future__ import annotations

from collections.abc import Sequence

from index.catalogue.model import Column, Entity, Feature, FeatureKind, Score, Stated, Table
from index.catalogue.node import Node, fail, near
from index.drafting.naming import humanise

KINDS: tuple[FeatureKind, ...] = ("number", "category")


def read_score(name: str, node: Node, tables: Sequence[Table], entities: Sequence[Entity]) -> Score:
    """The score that `node` declares; raises `CatalogueError` for what does not hold together.

    `columns` is short for features that are columns of the entity's own table; a score with an `outcome` needs no
    population: it is every entity.
    """
    owner = _Owner(node.required("entity"), tables, entities)
    outcome, event = node.text("outcome"), node.text("event")
    if bool(outcome) == bool(event):
        raise fail(
            node, "event", "is missing" if not event else "is given beside an outcome",
            hint="an event is (key, date) in a history; an outcome is (key, 1 or 0) in a table that knows no time",
        )  # fmt: skip
    columns = tuple(owner.feature(node, column) for column in node.texts("columns"))
    declared = tuple(_feature(feature, child, owner) for feature, child in node.children("features"))
    score = Score(
        name=name,
        label=node.text("label") or humanise(name),
        entity=owner.name,
        population=node.text("population") or owner.everybody(node, outcome),
        event=event,
        outcome=outcome,
        features=tuple({f.name: f for f in (*columns, *declared)}.values()),
        horizon_days=node.integer("horizon_days", 90, low=1),
        threshold=node.number("threshold", 0.5, low=0, high=1),
        due=node.text("due"),
        due_sql=node.text("due_sql"),
        snapshots=node.integer("snapshots", 6, low=1),
        synonyms=node.texts("synonyms"),
        description=node.text("description"),
        stated=owner.stated(stated) if (stated := node.child("stated")) is not None else None,
    )
    node.done()
    if not score.features:
        raise fail(node, "features", "a score needs at least one feature")
    return score


def _feature(name: str, node: Node, owner: _Owner) -> Feature:
    column = node.text("column")
    short = owner.feature(node, column) if column else Feature(name, humanise(name), "")
    kind: FeatureKind = "category" if node.choice("kind", KINDS, short.kind) == "category" else "number"
    feature = Feature(
        name=name,
        label=node.text("label") or short.label,
        sql=node.text("sql") or short.sql or node.required("sql"),
        missing=node.number("missing", 0.0),
        direction=node.integer("direction", 1 if kind == "number" and not column else 0, low=-1, high=1),
        evidence=node.text("evidence"),
        evidence_table=node.text("evidence_table") or short.evidence_table,
        lower=node.text("lower"),
        next_step=node.text("next_step"),
        kind=kind,
    )
    node.done()
    if feature.kind == "category" and feature.direction:
        raise fail(node, "direction", "a category has none", hint="leave it out")
    return feature


class _Owner:
    """The entity that a score is about, and its table."""

    def __init__(self, name: str, tables: Sequence[Table], entities: Sequence[Entity]) -> None:
        self.name = name
        self._entity = next((e for e in entities if e.name == name), None)
        self._table = next((t for t in tables if self._entity and t.name == self._entity.table), None)

    def everybody(self, node: Node, outcome: str) -> str:
        """The population of a score that declares none."""
        if not outcome or self._entity is None:
            return node.required("population")
        return f"SELECT {_quoted(self._entity.key)} FROM {_quoted(self._entity.table)}"

    def stated(self, node: Node) -> Stated:
        """What people record: a column of the entity's table and the values that say low or high."""
        column = node.required("column")
        held = [c.name for c in self._table.columns] if self._table else []
        if column not in held:
            raise fail(node, "column", f"there is no column {column!r} of the {self.name}", hint=near(column, held))
        found = Stated(column, node.texts("low"), node.texts("high"))
        node.done()
        if not found.low and not found.high:
            raise fail(node, "low", "is missing", hint="list the values that say low, those that say high, or both")
        return found

    def feature(self, node: Node, name: str) -> Feature:
        """The column `name` of the entity's table as a feature whose shape the data decides."""
        column = self._table.column(name) if self._table else None
        if column is None or self._entity is None:
            held = [c.name for c in self._table.columns] if self._table else []
            raise fail(node, "columns", f"there is no column {name!r} of the {self.name}", hint=near(name, held))
        key, table = _quoted(self._entity.key), _quoted(self._entity.table)
        return Feature(
            column.name, f"{_label(column)} is {{value}}", f"SELECT {key}, {_quoted(name)} FROM {table}",
            direction=0, evidence_table=self._entity.table, kind=_kind(column),
        )  # fmt: skip


def _kind(column: Column) -> FeatureKind:
    return "number" if column.type in ("integer", "number") else "category"


def _label(column: Column) -> str:
    return column.label[:1].lower() + column.label[1:] if column.label[1:2].islower() else column.label


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
