"""The sources of tower.yaml: what is accepted, and how errors name their place."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from index.errors import SettingsError
from ingest.config import FileSource, SqlSource, load_sources

DOCS = Path(__file__).parents[2] / "docs" / "configuration.md"


def test_the_example_in_the_documentation_is_accepted() -> None:
    example = yaml.safe_load(DOCS.read_text(encoding="utf-8").split("```yaml")[1].split("```")[0])
    config = load_sources(example["sources"], Path(), {})
    billing, support = config.sources["billing"], config.sources["support"]
    assert isinstance(billing, SqlSource) and billing.tables is not None
    assert billing.tables["invoices"].cursor == "updated_at"
    assert isinstance(support, FileSource) and support.tables is not None
    assert support.tables["tickets"].derive["sentiment"].of == ("subject", "body")


@pytest.mark.parametrize(
    ("yaml_text", "place", "hint"),
    [
        ("a: {kind: files, paht: x, path: y}", "sources.a.paht: unknown key", "'path'"),
        ("a: {kind: files}", "sources.a.path: is missing", ""),
        ("a: {kind: file, path: x}", "sources.a.kind: 'file'", "kind: files"),
        ("a: {kind: files, path: x, tables: {t: {files: x, kye: [a]}}}", "sources.a.tables.t.kye", "'key'"),
        ("a: {kind: files, path: x, tables: {t: {files: x, types: {c: int}}}}", "tables.t.types.c: 'int'", "integer"),
        ("a: {kind: files, path: x, tables: {T x: {files: x}}}", "sources.a.tables.T x", "t_x"),
        ("a: {kind: files, path: x, documents: [{files: x, entities: {e: nokey}}]}", "no group (?P<key>...)", ""),
        ("a: {kind: files, path: x, documents: [{files: x, entities: {e: '('}}]}", "not a regular expression", ""),
        ("a: {kind: sql, url: '${SECRET_URL}'}", "sources.a.url: the environment has no SECRET_URL", "SECRET_URL"),
        ("a: {kind: sql, url: x, tables: {t: {curser: u}}}", "sources.a.tables.t.curser", "'cursor'"),
        ("a: {kind: files, path: x, tables: {t: {files: x, reference: {c: nodot}}}}", "table.column", ""),
        ("1a: {kind: files, path: x}", "sources.1a", "document ids"),
        ("[1]", "sources: must be a mapping", ""),
        (
            "{a: {kind: files, path: x, tables: {t: {files: x}}}, b: {kind: sql, url: x, tables: {t: {}}}}",
            "sources.b.tables.t: source 'a' has that table already", "",
        ),
    ],
)  # fmt: skip
def test_an_error_names_the_place_and_a_near_miss(yaml_text: str, place: str, hint: str) -> None:
    with pytest.raises(SettingsError) as error:
        load_sources(yaml.safe_load(yaml_text), Path(), {})
    assert place in error.value.message
    assert hint in error.value.hint


def test_variables_come_from_the_given_environment() -> None:
    config = load_sources({"a": {"kind": "sql", "url": "${HOST}/x"}}, Path(), {"HOST": "postgresql://db"})
    source = config.sources["a"]
    assert isinstance(source, SqlSource) and source.url == "postgresql://db/x"
    assert source.tables is None


def test_no_sources_are_fine() -> None:
    assert load_sources(None, Path(), {}).sources == {}
