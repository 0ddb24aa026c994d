"""Every layer of the guard holds by itself: what an outer one lets through by mistake, the one below refuses."""

import pytest
from sqlglot import Parser, exp, parse_one

from index.errors import SqlRejected
from index.guard.guard import _prefix, guard
from index.guard.resolve import Resolver
from index.guard.visible import visible
from tests.index.worlds import CATALOGUE, SCOPE


@pytest.mark.parametrize(
    ("sql", "dialect", "said"),
    [
        ("UPDATE accounts SET name = 'x'", "sqlite", "only a SELECT"),
        ("PRAGMA table_info(accounts)", "sqlite", "only a SELECT"),
        ("EXPLAIN SELECT 1", "sqlite", "only a SELECT"),
        ("SELECT * FROM upper('x')", "sqlite", "table functions are not allowed"),
        ("SELECT CAST(name AS BLOB) FROM accounts", "sqlite", "not allowed in a CAST"),
        ("SELECT CAST(name AS JSON) FROM accounts", "postgres", "not allowed in a CAST"),
        ("SELECT name FROM accounts WHERE account_id IN accounts", "sqlite", "IN with field is not allowed"),
    ],
)
def test_the_layer_meant_for_it_refuses(sql: str, dialect: str, said: str) -> None:
    with pytest.raises(SqlRejected) as refused:
        guard(sql, CATALOGUE, SCOPE, dialect=dialect)
    assert said in refused.value.message


def test_a_table_in_an_expression_is_refused_even_if_the_rules_let_it_through() -> None:
    sql = "SELECT name FROM accounts WHERE account_id = 1"
    tree = parse_one(sql, dialect="sqlite")
    tree.find(exp.Literal).replace(exp.to_table("orders"))  # type: ignore[union-attr]
    with pytest.raises(SqlRejected, match="only stand in FROM"):
        Resolver(visible(CATALOGUE, SCOPE), "sqlite", "_g", sql).run(tree)


def test_names_of_ours_are_none_that_the_query_can_say() -> None:
    assert _prefix("SELECT name FROM accounts") == "_g"
    assert _prefix("SELECT _g1 FROM accounts") == "_gg"
    assert _prefix("SELECT _G, _ggg FROM accounts") == "_gggg"


def test_what_is_no_query_never_reaches_the_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreached(self: Parser, *_: object) -> None:
        raise AssertionError("parsed")

    monkeypatch.setattr(Parser, "parse", unreached)
    with pytest.raises(SqlRejected, match="only a SELECT"):
        guard("VACUUM INTO 'elsewhere.db'", CATALOGUE, SCOPE)
