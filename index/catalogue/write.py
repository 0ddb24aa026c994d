"""Writing a catalogue as YAML: stable order, defaults left out, short lists on one line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import yaml

from index.catalogue.model import Catalogue, Column, Entity, Feature, Join, Metric, Score, Table, Term
from index.drafting.naming import humanise

_HEADER = """\
# The catalogue: what Tower knows about the data. Tables and columns that are not listed here are hidden.
# Labels and synonyms are the words people use; edit them freely. docs/catalogue.md describes every key.
"""
_LINE = 100
_MAX_VALUES = 30  # longer lists are read from the data again when the catalogue is used


def dump_catalogue(catalogue: Catalogue) -> str:
    """The catalogue as YAML text.

    `parse_catalogue` of it gives an equal catalogue, but for long value lists and values of personal or secret columns,
    which are left out: `enrich` reads them from the data.
    """
    document: dict[str, Any] = {}
    for key in ("company", "currency", "today"):
        if getattr(catalogue, key):
            document[key] = getattr(catalogue, key)
    if catalogue.fiscal_year_start != 1:
        document["fiscal_year_start"] = catalogue.fiscal_year_start
    if catalogue.vocabulary:
        document["vocabulary"] = dict(catalogue.vocabulary)
    document["tables"] = {t.name: _table(t) for t in catalogue.tables}
    if catalogue.joins:
        document["joins"] = [_join(j) for j in catalogue.joins]
    for key in ("metrics", "terms", "entities", "scores"):
        items = getattr(catalogue, key)
        if items:
            document[key] = {item.name: _item(item) for item in items}
    sections = [_yaml({key: value}) for key, value in document.items()]
    return _HEADER + "\n" + "\n".join(_spaced(sections))


def _spaced(sections: list[str]) -> list[str]:
    # A blank line before every section that fills more than a line.
    return [("\n" if "\n" in text.rstrip("\n") and at else "") + text.rstrip("\n") for at, text in enumerate(sections)]


def _table(table: Table) -> dict[str, Any]:
    entry = _plain(table, skip={"name", "columns"})
    entry["columns"] = {c.name: _column(c) for c in table.columns}
    return entry


def _column(column: Column) -> dict[str, Any]:
    # Names and numbers of people do not belong in a file that is reviewed and kept; `enrich` reads them when needed.
    kept = column.sensitivity not in ("personal", "secret") and len(column.values) <= _MAX_VALUES
    entry = _plain(column, skip={"name"} if kept else {"name", "values", "minimum", "maximum"})
    return {"type": entry.pop("type"), **entry}


def _join(join: Join) -> dict[str, Any]:
    left = [f"{join.left}.{c}" for c in join.left_columns]
    right = [f"{join.right}.{c}" for c in join.right_columns]
    return {"from": left[0] if len(left) == 1 else left, "to": right[0] if len(right) == 1 else right}


def _item(item: Metric | Term | Entity | Score) -> dict[str, Any]:
    entry = _plain(item, skip={"name", "facts", "features", "stated"})
    if isinstance(item, Entity) and item.facts:
        entry["facts"] = {f.name: _plain(f, skip={"name"}) for f in item.facts}
    if isinstance(item, Score):
        entry["features"] = {f.name: _plain(f, skip={"name"}) for f in item.features}
        if item.stated is not None:
            entry["stated"] = _plain(item.stated, skip=set())
    return entry


def _plain(item: Table | Column | Metric | Term | Entity | Score | Feature | Any, skip: set[str]) -> dict[str, Any]:
    """The fields of a frozen value as YAML values, without those that hold their default."""
    entry: dict[str, Any] = {}
    for spec in fields(item):
        value = getattr(item, spec.name)
        if spec.name in skip or value == spec.default or (not value and value != 0):
            continue
        if spec.name == "label" and value == humanise(item.name):
            continue
        if isinstance(value, tuple):
            value = list(value)
        elif isinstance(value, Mapping):
            value = {k: list(v) if isinstance(v, tuple) else v for k, v in value.items()}
        entry[spec.name] = value
    return entry


class _Dumper(yaml.SafeDumper):
    """Short lists and mappings of scalars on one line, long texts as blocks, nested lists indented."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _represent_list(dumper: yaml.SafeDumper, data: list[Any]) -> yaml.Node:
    flow = all(not isinstance(item, dict | list) for item in data)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=flow)


def _represent_dict(dumper: yaml.SafeDumper, data: dict[str, Any]) -> yaml.Node:
    scalars = all(not isinstance(item, dict) and not (isinstance(item, str) and "\n" in item) for item in data.values())
    short = sum(len(str(k)) + len(str(v)) + 4 for k, v in data.items()) <= _LINE
    return dumper.represent_mapping("tag:yaml.org,2002:map", data.items(), flow_style=bool(scalars and short and data))


def _represent_text(dumper: yaml.SafeDumper, data: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", data, style="|" if "\n" in data else None)


_Dumper.add_representer(list, _represent_list)
_Dumper.add_representer(dict, _represent_dict)
_Dumper.add_representer(str, _represent_text)


def _yaml(document: dict[str, Any]) -> str:
    key, value = next(iter(document.items()))
    if not isinstance(value, dict | list):
        return yaml.safe_dump({key: value}, sort_keys=False, allow_unicode=True)
    body = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_LINE + 20)
    if body.startswith(("{", "[")):
        return f"{key}: {body}"
    return f"{key}:\n" + "".join(f"  {line}\n" if line else "\n" for line in body.rstrip("\n").split("\n"))
