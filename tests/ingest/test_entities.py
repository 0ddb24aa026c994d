"""The same customer in CRM, billing and tickets: what is matched, why, and what a person decides."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.errors import SettingsError
from index.store.tables import DataColumn, DataRow, DataTable
from ingest.config import load_resolves
from ingest.entities import Record, resolve, resolve_entities
from tests.ingest.company import open_store

RESOLVE = {
    "customer": {
        "tables": {
            "accounts": {"name": "name", "domain": "website", "tax_number": "vat"},
            "debtors": {"name": "company", "tax_number": "tax_id", "phone": "phone"},
            "requesters": {"name": "organisation", "email": "email"},
        }
    }
}
ROWS = {
    "accounts": [
        ("A1", "Alpenglow Outfitters GmbH", "https://www.alpenglow.example/de", "DE 811 907 980"),
        ("A2", "Kestrelpath Friluft AB", "kestrelpath.example", None),
        ("A3", "Nordlicht AG", None, None),
    ],
    "debtors": [
        ("17", "ALPENGLOW OUTFITTERS", "DE811907980", "+49 89 1234567"),
        ("18", "Kestrelpath Friluft", None, None),
        ("19", "Nordstern AG", None, None),
    ],
    "requesters": [
        ("r1", "Alpenglow", "zoe@alpenglow.example"),
        ("r2", "", "jo@gmail.example"),
        ("r3", "Kestrelpath", "a@kestrelpath.example"),
    ],
}
COLUMNS = {
    "accounts": ("name", "website", "vat"),
    "debtors": ("company", "tax_id", "phone"),
    "requesters": ("organisation", "email"),
}


def _links(home: Path, **decided: list[list[str]]) -> dict[str, tuple[str, str]]:
    store = open_store(home)
    with store.begin() as writer:
        for name, rows in ROWS.items():
            table = DataTable(name, "x", tuple(DataColumn(c, "text") for c in COLUMNS[name]))
            writer.rows(writer.put_table(table)).upsert([DataRow(key, "x|x", values) for key, *values in rows])  # type: ignore[arg-type]
    resolves = load_resolves({"customer": {**RESOLVE["customer"], **decided}})
    assert resolve_entities(store, resolves) == {"customer": 9}
    found = store.rows("customer_links", ["table_name", "record_key", "entity", "reason"])
    return {f"{table}:{key}": (str(entity), str(reason)) for table, key, entity, reason in found}


def test_records_match_by_identifiers_and_names_and_say_why(tmp_path: Path) -> None:
    links = _links(tmp_path)
    assert links["debtors:17"] == ("accounts:A1", "same tax number DE811907980 as accounts:A1")
    assert links["requesters:r1"] == ("accounts:A1", "same domain alpenglow.example as accounts:A1")
    assert links["debtors:18"][0] == "accounts:A2" and "names alike" in links["debtors:18"][1]
    assert links["requesters:r3"][0] == "accounts:A2"
    assert links["debtors:19"] == ("debtors:19", "alone")
    assert links["accounts:A3"] == ("accounts:A3", "alone")


def test_a_person_decides_over_any_match(tmp_path: Path) -> None:
    links = _links(tmp_path, same=[["accounts:A3", "debtors:19"]], different=[["accounts:A1", "debtors:17"]])
    assert links["debtors:19"] == ("accounts:A3", "said by hand as accounts:A3")
    assert links["debtors:17"][0] == "debtors:17"


def test_a_table_or_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    _links(tmp_path)
    wrong = {"customer": {"tables": {"accounts": {"name": "nmae"}, "debtors": {"name": "company"}}}}
    with pytest.raises(SettingsError, match=r"resolve.customer.tables.accounts: there is no column nmae"):
        resolve_entities(open_store(tmp_path), load_resolves(wrong))
    with pytest.raises(SettingsError, match=r"resolve\.customer"):
        load_resolves({"customer": {"tables": {}}})


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from("123456"), st.sampled_from(["x", "y", "z"])), max_size=12
    )
)
def test_whatever_matches_what_is_said_to_differ_stays_apart(drawn: list[tuple[str, str, str]]) -> None:
    unique = {(table, key): mark for table, key, mark in drawn}
    records = [Record(t, k, "", {"email": f"{m}@{m}.example"}) for (t, k), m in unique.items()]
    places = [r.place for r in records]
    apart = [places[:2]] if len(places) > 1 else []
    found = resolve(records, [], apart).entity_of()
    assert set(found) == set(places)
    assert not apart or found[places[0]] != found[places[1]]
