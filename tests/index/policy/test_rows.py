"""Attributes in row rules: values, never SQL."""

import sqlite3

import pytest

from index.errors import PolicyError
from index.policy.rows import attributes_in, bind, sample_attributes

HOSTILE = ("x' OR 1=1 --", " OR 1=1 -- ", "' OR '1'='1", "'; DROP TABLE t; --", "\\' OR 1=1", "{region}", "''", "⟦1⟧")


@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_attribute_is_only_ever_compared(value: str) -> None:
    rows = bind("region = {region} AND 1 = 1", {"region": value})
    made = sqlite3.connect(":memory:")
    made.execute("CREATE TABLE t (region TEXT)")
    made.executemany("INSERT INTO t VALUES (?)", [("EMEA",), (value,)])
    assert made.execute(f"SELECT region FROM t WHERE {rows}").fetchall() == [(value,)]


def test_several_values_stand_in_brackets() -> None:
    assert bind("region IN {regions}", {"regions": ("EMEA", "O'Brien")}) == "region IN ('EMEA', 'O''Brien')"
    assert bind("region IN {regions}", {"regions": ()}) == "region IN (NULL)"


@pytest.mark.parametrize(
    "rows",
    ["region = '{region}'", "region = '' || '{region}'", 'region = "{region}"', "region = 'x' -- {region}",
     "region = 'x' /* {region} */", "region = {region} -- theirs", "region = {region} /* x", "region = {region})",
     "region = {region}) OR (1 = 1", "region = {region}; SELECT 1", "'{region}", "region = {region} '"],
)  # fmt: skip
def test_an_attribute_in_quotes_or_comments_and_a_rule_that_is_no_condition_are_refused(rows: str) -> None:
    with pytest.raises(PolicyError):
        bind(rows, {"region": " OR 1=1 -- "})


def test_a_missing_attribute_and_control_characters_are_refused() -> None:
    with pytest.raises(PolicyError, match="needs the attribute 'region'"):
        bind("region = {region}", {"team": "x"})
    with pytest.raises(PolicyError, match="control character"):
        bind("region = {region}", {"region": "E\x00MEA"})


def test_two_dashes_inside_a_text_are_no_comment() -> None:
    assert bind("code = 'a--b'", {}) == "code = 'a--b'"


def test_sample_attributes_fit_the_rule() -> None:
    rows = "region IN {regions} AND team = {team}"
    assert attributes_in(rows) == ("regions", "team")
    assert bind(rows, sample_attributes(rows)) == "region IN ('x') AND team = 'x'"
