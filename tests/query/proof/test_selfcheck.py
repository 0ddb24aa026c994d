"""Queries checked on themselves: a join that repeats rows is found before its sum is told, and groups must add up."""

from __future__ import annotations

import pytest

from index.guard.guard import guard
from query.proof.fan_out import structure
from query.proof.selfcheck import SelfCheck
from tests.query.text2sql import shop

INFLATED = [
    "SELECT SUM(p.list_price) FROM products p JOIN order_lines l ON l.product_id = p.product_id",
    "SELECT AVG(products.list_price) FROM products, order_lines WHERE order_lines.product_id = products.product_id",
    "SELECT c.city, COUNT(c.customer_id) FROM customers c JOIN orders o USING (customer_id) GROUP BY c.city",
    "SELECT COUNT(c.customer_id) FROM customers c JOIN tickets t ON t.customer_id = c.customer_id"
    " JOIN reps r ON r.rep_id = c.rep_id",
]
SOUND = [
    "SELECT SUM(l.quantity) FROM products p JOIN order_lines l ON l.product_id = p.product_id",
    "SELECT SUM(l.quantity * p.list_price) FROM products p JOIN order_lines l ON l.product_id = p.product_id",
    "SELECT COUNT(DISTINCT c.customer_id) FROM customers c JOIN orders o ON o.customer_id = c.customer_id",
    "SELECT MAX(p.list_price) FROM products p JOIN order_lines l ON l.product_id = p.product_id",
    "SELECT COUNT(*) FROM customers c JOIN orders o ON o.customer_id = c.customer_id",
    "SELECT SUM(list_price) FROM products",
    "SELECT SUM(list_price) FROM products WHERE product_id IN (SELECT product_id FROM order_lines)",
]


def notices(sql: str) -> list[str]:
    rows = shop.database().read(guard(sql, shop.CATALOGUE, shop.everything()))
    return SelfCheck(shop.CATALOGUE, shop.database(), shop.everything()).notices(sql, rows)


@pytest.mark.parametrize("sql", INFLATED)
def test_a_sum_over_rows_that_a_join_repeats_is_told(sql: str) -> None:
    found = structure(sql, shop.CATALOGUE, "sqlite")
    assert found is not None and found.fan_outs()
    assert "several times" in notices(sql)[0]


@pytest.mark.parametrize("sql", SOUND)
def test_a_sound_sum_is_left_in_peace(sql: str) -> None:
    assert notices(sql) == []


def test_a_join_that_could_repeat_rows_but_does_not_is_left_in_peace() -> None:
    sql = (
        "SELECT SUM(p.list_price) FROM products p JOIN order_lines l ON l.product_id = p.product_id WHERE l.line_id < 3"
    )
    found = structure(sql, shop.CATALOGUE, "sqlite")
    assert found is not None and found.fan_outs()
    assert notices(sql) == []


def test_rows_that_are_in_no_group_are_told() -> None:
    joined = "reps AS own JOIN reps ON reps.rep_id = own.boss_id"
    sql = f"SELECT reps.last_name, COUNT(*) FROM {joined} GROUP BY reps.last_name"
    assert notices(sql) == ["The groups add up to 1, all sales reps to 2: 1 belong to no group here."]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT c.city, COUNT(*) FROM orders o JOIN customers c ON c.customer_id = o.customer_id GROUP BY c.city",
        "SELECT c.city, COUNT(*) FROM orders o JOIN customers c ON c.customer_id = o.customer_id"
        " WHERE c.city = 'Oslo' GROUP BY c.city",
        "SELECT c.city, COUNT(*) FROM orders o JOIN customers c ON c.customer_id = o.customer_id"
        " GROUP BY c.city HAVING COUNT(*) > 1",
        "SELECT own.last_name, COUNT(*) FROM reps own JOIN reps ON reps.rep_id = own.boss_id GROUP BY own.last_name",
    ],
)
def test_groups_that_add_up_or_are_narrowed_on_purpose_are_left_in_peace(sql: str) -> None:
    assert notices(sql) == []


@pytest.mark.parametrize(
    "sql", ["not SQL ((", "SELECT 1 UNION SELECT 2 FROM a, b", "SELECT * FROM (SELECT 1) x, orders"]
)
def test_what_has_no_such_structure_is_not_judged(sql: str) -> None:
    assert structure(sql, shop.CATALOGUE, "sqlite") is None
