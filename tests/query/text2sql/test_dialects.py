"""Readings in other dialects: what each engine is given, written down for a person to check."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest
import sqlglot

from index.catalogue.model import Catalogue
from query.text2sql.dialects import GENERATED, spoken
from tests.query.text2sql import shop

WRITTEN = Path(__file__).parent / "dialects.tsv"


def catalogue() -> Catalogue:
    """The shop, with a column of truth values."""
    tables = tuple(
        replace(t, columns=tuple(replace(c, type="boolean") if c.name == "discontinued" else c for c in t.columns))
        for t in shop.CATALOGUE.tables
    )
    return replace(shop.CATALOGUE, tables=tables)


def cases() -> list[dict[str, str]]:
    with WRITTEN.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


@pytest.mark.parametrize("case", cases(), ids=lambda c: f"{c['dialect']}: {c['sqlite'][:40]}")
def test_a_reading_is_said_in_the_dialect(case: dict[str, str]) -> None:
    said = spoken(case["sqlite"], case["dialect"], catalogue())
    assert said == case["said"]
    assert sqlglot.parse_one(said, read=case["dialect"]) is not None


def test_every_dialect_has_its_cases() -> None:
    assert {c["dialect"] for c in cases()} == set(GENERATED)


def test_sqlite_and_what_does_not_parse_stay_as_they_are() -> None:
    assert spoken("SELECT 1", "sqlite", catalogue()) == "SELECT 1"
    assert spoken("SELECT ((", "postgres", catalogue()) == "SELECT (("
