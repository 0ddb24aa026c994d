from __future__ import annotations

from dataclasses import replace

from index.catalogue.model import Metric, Term
from index.catalogue.prune import prune
from tests.query import company

CATALOGUE = replace(
    company.CATALOGUE,
    metrics=(
        Metric("logins", "Logins", "usage", "SUM(logins)", "usage.day"),
        Metric("rows", "Rows", "usage", "COUNT(*)"),
    ),
    terms=(Term("open ticket", "tickets", "status <> 'Closed'"),),
)
SCHEMA = {t.name: tuple(c.name for c in t.columns) for t in company.TABLES}


def test_a_catalogue_that_fits_is_left_alone() -> None:
    assert prune(CATALOGUE, SCHEMA) == (CATALOGUE, ())


def test_a_missing_column_takes_what_depends_on_it_and_nothing_else() -> None:
    schema = {**SCHEMA, "usage": tuple(c for c in SCHEMA["usage"] if c != "logins")}
    kept, problems = prune(CATALOGUE, schema)
    assert [m.name for m in kept.metrics] == ["rows"]
    account = kept.entity("account")
    assert account is not None and account.fact("usage") is None and account.fact("renewal") is not None
    assert {p.path for p in problems} == {
        "tables.usage.columns.logins", "metrics.logins", "entities.account.facts.usage",
    }  # fmt: skip


def test_a_table_that_was_not_read_yet_is_left_out_with_its_joins_and_terms() -> None:
    schema = {name: columns for name, columns in SCHEMA.items() if name != "tickets"}
    kept, problems = prune(CATALOGUE, schema)
    assert kept.table("tickets") is None
    assert kept.terms == ()
    assert all(j.left != "tickets" for j in kept.joins)
    assert "tables.tickets" in {p.path for p in problems}


def test_an_entity_without_its_key_goes_with_its_table() -> None:
    schema = {**SCHEMA, "accounts": tuple(c for c in SCHEMA["accounts"] if c != "account_id")}
    kept, _ = prune(CATALOGUE, schema)
    assert kept.table("accounts") is None
    assert kept.entity("account") is None
