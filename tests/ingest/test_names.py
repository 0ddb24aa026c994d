"""Names and shapes of raw records."""

from __future__ import annotations

import pytest

from ingest.names import Normaliser, snake_case, unique


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("Region__c", "region"), ("AccountId", "account_id"), ("Order Details", "order_details"),
        ("HTTPCode", "http_code"),
        ("Umsatz (€)", "umsatz"), ("Größe", "grosse"), ("2024", "n_2024"), ("_id", "id"),
        ("", "column"), ("注文", "注文"),
        ("already_fine", "already_fine"),
    ],
)  # fmt: skip
def test_names_become_snake_case(raw: str, clean: str) -> None:
    assert snake_case(raw) == clean


def test_records_are_flattened_one_level_and_renamed() -> None:
    normalise = Normaliser({"Id": "account_id", "Owner.Name": "owner"})
    record = {
        "attributes": {"type": "Account", "url": "/x"}, "Id": "1", "Owner": {"Name": "Ann", "attributes": {}},
        "Address__c": {"City": "Ulm", "Geo": {"lat": 1}}, "Tags": ["a", "b"], "Empty": [],
    }  # fmt: skip
    assert normalise(record) == {
        "account_id": "1", "owner": "Ann", "address_city": "Ulm", "address_geo": '{"lat": 1}', "tags": '["a", "b"]',
        "empty": None,
    }  # fmt: skip


def test_names_that_would_fall_together_are_kept_apart() -> None:
    assert Normaliser({})({"Id": 1, "ID": 2}) == {"id": 1, "id_2": 2}
    assert unique("a", ["a", "a_2"]) == "a_3"
