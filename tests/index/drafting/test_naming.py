"""Names as people would say them."""

from __future__ import annotations

import pytest

from index.drafting.naming import humanise, singular, words


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("CompanyName", "company name"),
        ("order_lines", "order lines"),
        ("Order Details", "order details"),
        ("cust_nm", "customer name"),
        ("emp_no", "employee number"),
        ("no_of_rooms", "no of rooms"),
        ("QTY", "quantity"),
        ("HTMLPage", "html page"),
        ("OrderID", "order id"),
        ("birthdate", "birth date"),
        ("fname", "first name"),
        ("tot_amt", "total amount"),
        ("api", "api"),
        ("x2", "x 2"),
        ("größe", "größe"),
        ("___", "___"),
    ],
)
def test_a_name_reads_as_words(name: str, label: str) -> None:
    assert humanise(name) == label


def test_a_glued_name_is_split_where_its_first_word_is_known() -> None:
    assert words("customerid", frozenset({"customer"})) == ("customer", "id")
    assert words("customerid") == ("customerid",)


@pytest.mark.parametrize(
    ("plural", "one"),
    [("orders", "order"), ("categories", "category"), ("addresses", "address"), ("boxes", "box"), ("status", "status"),
     ("glass", "glass"), ("gas", "gas"), ("analysis", "analysis"), ("people", "people")],
)  # fmt: skip
def test_a_plural_has_a_singular(plural: str, one: str) -> None:
    assert singular(plural) == one
