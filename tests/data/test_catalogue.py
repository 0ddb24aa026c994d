"""The committed catalogue and tower.yaml of the sample company: complete, loadable, and every SQL in them runs."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
import yaml

import data
from data.generator.clock import TODAY
from data.generator.world import World
from index.catalogue.file import load_catalogue
from index.catalogue.model import Catalogue

FOLDER = Path(data.__file__).parent


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue(FOLDER / "catalogue.yaml")


def test_the_catalogue_describes_exactly_the_tables_and_columns_of_the_truth(
    catalogue: Catalogue, world: World
) -> None:
    assert catalogue.today == TODAY
    derived = {"tickets": {"sentiment"}}
    listed = {t.name: {c.name for c in t.columns} - derived.get(t.name, set()) for t in catalogue.tables}
    assert listed == {name: set(rows[0]) for name, rows in world.tables.items()}


def test_personal_columns_are_marked(catalogue: Catalogue) -> None:
    contacts = catalogue.table("contacts")
    assert contacts is not None
    personal = {c.name for c in contacts.columns if c.sensitivity == "personal"}
    assert personal == {"name", "first_name", "last_name", "email", "phone"}


def test_value_synonyms_name_values_that_exist(catalogue: Catalogue, world: World) -> None:
    for table in catalogue.tables:
        for column in table.columns:
            held = {row.get(column.name) for row in world.tables[table.name]}
            assert set(column.value_synonyms) <= held, f"{table.name}.{column.name}"


def test_every_metric_and_term_runs(catalogue: Catalogue, database: sqlite3.Connection) -> None:
    for metric in catalogue.metrics:
        (value,) = database.execute(f"SELECT {metric.sql} FROM {metric.table}").fetchone()
        assert value is not None, metric.name
    for term in catalogue.terms:
        (count,) = database.execute(f"SELECT COUNT(*) FROM {term.table} WHERE {term.where}").fetchone()
        assert 0 < count < database.execute(f"SELECT COUNT(*) FROM {term.table}").fetchone()[0], term.name


def test_every_fact_of_an_account_at_risk_has_rows(
    catalogue: Catalogue, database: sqlite3.Connection, world: World
) -> None:
    entity = catalogue.entity("account")
    assert entity is not None
    empty = []
    for key in world.at_risk_this_quarter("Enterprise", "EMEA"):
        for fact in entity.facts:
            if not database.execute(fact.sql, {"key": key, "today": TODAY.isoformat()}).fetchall():
                empty.append((key, fact.name))
    assert [e for e in empty if e[1] != "overdue_invoices"] == []
    assert len(empty) <= 3


def test_every_fact_of_a_product_runs(catalogue: Catalogue, database: sqlite3.Connection, world: World) -> None:
    entity = catalogue.entity("product")
    assert entity is not None
    for fact in entity.facts:
        assert database.execute(fact.sql, {"key": world.tables["products"][0]["product_id"]}).fetchall()


def test_evidence_of_a_feature_is_behind_its_value(
    catalogue: Catalogue, database: sqlite3.Connection, world: World
) -> None:
    at = {"as_of": TODAY.isoformat()}
    for feature in catalogue.scores[0].features:
        values = dict(database.execute(feature.sql, at).fetchall())
        for key in sorted(world.at_risk & values.keys())[:3]:
            rows = database.execute(feature.evidence, {**at, "key": key}).fetchall()
            assert rows, (feature.name, key)
            if "COUNT(*)" in feature.sql:
                assert len(rows) == values[key]


def test_features_read_nothing_from_after_their_day(catalogue: Catalogue, database: sqlite3.Connection) -> None:
    """Deleting everything that happened later leaves every feature as it was."""
    day = "2025-11-03"
    score = catalogue.scores[0]
    before = {f.name: sorted(database.execute(f.sql, {"as_of": day}).fetchall()) for f in score.features}
    past = sqlite3.connect(":memory:")
    database.backup(past)
    past.execute("DELETE FROM usage WHERE date(week, '+7 days') > ?", [day])
    past.execute("DELETE FROM tickets WHERE created_at >= ?", [day])
    past.execute("UPDATE tickets SET resolved_at = NULL, status = 'Open' WHERE resolved_at >= ?", [day])
    past.execute("DELETE FROM invoices WHERE issued_on >= ?", [day])
    past.execute("UPDATE invoices SET paid_on = NULL, status = 'Open' WHERE paid_on >= ?", [day])
    after = {f.name: sorted(past.execute(f.sql, {"as_of": day}).fetchall()) for f in score.features}
    past.close()
    assert after == before


def test_every_file_of_the_exports_belongs_to_a_source(sample: Path) -> None:
    settings = yaml.safe_load((FOLDER / "tower.yaml").read_text(encoding="utf-8"))
    claimed: set[Path] = set()
    for source in settings["sources"].values():
        if source["kind"] == "sql":
            claimed.add(sample.parent / source["url"].removeprefix("sqlite:///"))
            continue
        folder = sample.parent / source["path"]
        patterns = [t["files"] for t in source.get("tables", {}).values()]
        patterns += [d["files"] for d in source.get("documents", [])]
        for pattern in patterns:
            found = set(folder.glob(pattern))
            assert found, pattern
            assert not found & claimed, pattern
            claimed |= found
    ours = {p for p in sample.rglob("*") if p.is_file() and p.parent.name != "pictures"}
    assert ours - claimed == {
        sample / name for name in ("dirt.json", "golden.jsonl", "variations.jsonl", "generated.jsonl")
    }
