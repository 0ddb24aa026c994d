"""Reading the catalogue's YAML, with errors that name the place in it. `docs/catalogue.md` describes the file."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args

import yaml

from index.catalogue.data import Problem, check_against, enrich
from index.catalogue.model import (
    Catalogue,
    Column,
    ColumnType,
    Entity,
    Fact,
    Join,
    Metric,
    Role,
    Sensitivity,
    Table,
    Term,
)
from index.catalogue.node import Node, fail
from index.catalogue.scores import read_score
from index.catalogue.write import dump_catalogue
from index.drafting.naming import humanise
from index.errors import CatalogueError, NotFoundError

__all__ = ["Problem", "check_against", "dump_catalogue", "enrich", "load_catalogue", "parse_catalogue", "read_yaml"]


def load_catalogue(path: Path | str, *, check: bool = True) -> Catalogue:
    """The catalogue in a YAML file; raises `NotFoundError` or `CatalogueError`.

    Without `check` its SQL is not looked at, which takes most of the time: for what needs names alone.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise NotFoundError(f"no catalogue at {path}", hint="tower init drafts one") from error
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogueError(f"{path} cannot be read: {error}") from error
    return parse_catalogue(read_yaml(text, str(path)), str(path), check=check)


def read_yaml(text: str, where: str = "catalogue") -> Any:
    """The value of a YAML text, an empty mapping for an empty one.

    Only `true` and `false` are true/false values (so that NO stays Norway), and a key written twice is an error.
    """
    try:
        value = yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise CatalogueError(f"{where} is not YAML: {_where(error)}", hint="check indentation and quotes") from error
    return {} if value is None else value


def parse_catalogue(mapping: Mapping[str, Any], where: str = "catalogue", *, check: bool = True) -> Catalogue:
    """The catalogue in a mapping as YAML gives it; `where` starts every message; `check` as in `load_catalogue`.

    Raises `CatalogueError` for unknown keys, wrong types, names that do not exist and SQL that does not hold.
    """
    root = Node(mapping, "", where)
    tables = tuple(_table(name, node) for name, node in root.children("tables"))
    if not tables:
        raise fail(root, "tables", "a catalogue needs at least one table")
    entities = tuple(_entity(name, node) for name, node in root.children("entities"))
    catalogue = Catalogue(
        tables=tables,
        joins=tuple(_join(node) for node in root.items("joins")),
        metrics=tuple(_metric(name, node) for name, node in root.children("metrics")),
        terms=tuple(_term(name, node) for name, node in root.children("terms")),
        entities=entities,
        scores=tuple(read_score(name, node, tables, entities) for name, node in root.children("scores")),
        company=root.text("company"),
        currency=root.text("currency"),
        today=_today(root),
        fiscal_year_start=root.integer("fiscal_year_start", 1, low=1, high=12),
        vocabulary=root.text_mapping("vocabulary"),
    )
    root.done()
    if check:
        from index.catalogue.check import check_catalogue

        check_catalogue(catalogue, where)
    return catalogue


def _today(root: Node) -> dt.date | None:
    value = root.take("today")
    if value is None or (isinstance(value, dt.date) and not isinstance(value, dt.datetime)):
        return value
    try:
        return dt.date.fromisoformat(str(value))
    except ValueError as error:
        raise fail(root, "today", f"{value!r} is not a date", hint="for example 2026-06-30") from error


def _table(name: str, node: Node) -> Table:
    table = Table(
        name=name,
        label=node.text("label") or humanise(name),
        description=node.text("description"),
        synonyms=node.texts("synonyms"),
        source=node.text("source"),
        key=node.texts("key"),
        name_column=node.text("name_column") or None,
        time_column=node.text("time_column") or None,
        rows=node.integer("rows", 0, low=0),
        columns=tuple(_column(column, child) for column, child in node.children("columns", shorthand="type")),
    )
    node.done()
    if not table.columns:
        raise fail(node, "columns", "a table needs at least one column")
    return table


def _column(name: str, node: Node) -> Column:
    column = Column(
        name=name,
        type=cast(ColumnType, node.choice("type", get_args(ColumnType))),
        label=node.text("label") or humanise(name),
        description=node.text("description"),
        synonyms=node.texts("synonyms"),
        role=cast(Role, node.choice("role", get_args(Role), "dimension")),
        sensitivity=cast(Sensitivity, node.choice("sensitivity", get_args(Sensitivity), "internal")),
        unit=node.text("unit"),
        values=node.texts("values"),
        value_synonyms=node.list_mapping("value_synonyms"),
        minimum=node.bound("minimum"),
        maximum=node.bound("maximum"),
    )
    node.done()
    return column


def _join(node: Node) -> Join:
    left, right = _side(node, "from"), _side(node, "to")
    node.done()
    if len(left[1]) != len(right[1]):
        raise fail(node, "to", f"{len(left[1])} columns cannot join {len(right[1])}")
    return Join(left[0], left[1], right[0], right[1])


def _side(node: Node, key: str) -> tuple[str, tuple[str, ...]]:
    places = node.texts(key)
    if not places:
        raise fail(node, key, "is missing", hint='write it as "table.column"')
    pairs = [place.rpartition(".") for place in places]
    if any(not table or not column for table, _, column in pairs) or len({table for table, _, _ in pairs}) != 1:
        raise fail(node, key, f"{', '.join(places)} is not columns of one table", hint='write it as "table.column"')
    return pairs[0][0], tuple(column for _, _, column in pairs)


def _metric(name: str, node: Node) -> Metric:
    metric = Metric(
        name=name,
        label=node.text("label") or humanise(name),
        table=node.required("table"),
        sql=node.required("sql"),
        time=node.text("time"),
        unit=node.text("unit"),
        description=node.text("description"),
        synonyms=node.texts("synonyms"),
    )
    node.done()
    return metric


def _term(name: str, node: Node) -> Term:
    term = Term(name, node.required("table"), node.required("where"), node.texts("synonyms"))
    node.done()
    return term


def _entity(name: str, node: Node) -> Entity:
    entity = Entity(
        name=name,
        table=node.required("table"),
        key=node.required("key"),
        name_column=node.required("name_column"),
        synonyms=node.texts("synonyms"),
        facts=tuple(_fact(fact, child) for fact, child in node.children("facts", shorthand="sql")),
        contact=node.text("contact"),
        owner=node.text("owner"),
        top_by=node.text("top_by"),
    )
    node.done()
    return entity


def _fact(name: str, node: Node) -> Fact:
    fact = Fact(name, node.text("label") or humanise(name), node.required("sql"))
    node.done()
    return fact


if TYPE_CHECKING:
    _Fast = yaml.SafeLoader
else:
    _Fast = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's parser reads ten times faster


class _Loader(_Fast):
    """A safe loader that refuses a key written twice, which YAML would silently let win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[object] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable):
                if key in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"{key!r} is written twice", key_node.start_mark
                    )
                seen.add(key)
        return cast(dict[Any, Any], super().construct_mapping(node, deep))


_BOOLEAN = "tag:yaml.org,2002:bool"
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != _BOOLEAN]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(_BOOLEAN, re.compile("true|false|True|False"), list("tfTF"))


def _where(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    text = getattr(error, "problem", None) or str(error)
    return f"line {mark.line + 1}, column {mark.column + 1}: {text}" if mark is not None else str(text)
