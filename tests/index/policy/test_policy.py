"""Roles that add up: never more than one of them shows, and nothing for a stranger."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Sequence
from dataclasses import replace

import pytest

from index.errors import PolicyError
from index.policy.policy import Policy, Role, User, add_up
from index.scope import ACTIONS, Principal, Scope, TableScope, Visibility

ANN = Principal("ann", attributes={"region": "EMEA"})
EMEA, APAC = "region = 'EMEA'", "region = 'APAC'"


def role(rows: str = "", **columns: Visibility) -> Role:
    return Role("r", {"accounts": TableScope(columns, rows)})


def table(*roles: Role) -> TableScope:
    return add_up(ANN, roles).tables["accounts"]


def test_rows_of_several_roles_are_or_ed() -> None:
    assert table(role(EMEA, name="visible"), role(APAC, name="visible")).rows == f"({EMEA}) OR ({APAC})"


def test_roles_with_the_same_rows_add_their_columns() -> None:
    shown = table(role(EMEA, name="visible", phone="masked"), role(EMEA, phone="visible", city="visible"))
    assert dict(shown.columns) == {"name": "visible", "phone": "visible", "city": "visible"}
    assert shown.rows == EMEA


def test_a_column_that_is_masked_for_some_rows_stays_masked_for_all_of_them() -> None:
    shown = table(role(EMEA, name="visible", phone="visible"), role(APAC, name="visible", phone="masked"))
    assert dict(shown.columns) == {"name": "visible", "phone": "masked"}


def test_a_column_that_one_role_hides_for_its_rows_is_hidden() -> None:
    shown = table(role(EMEA, name="visible", phone="visible"), role(APAC, name="visible"))
    assert dict(shown.columns) == {"name": "visible"}


def test_a_role_that_shows_everything_is_not_narrowed_by_another() -> None:
    shown = table(role("", name="visible", phone="visible"), role(EMEA, name="visible", phone="masked"))
    assert dict(shown.columns) == {"name": "visible", "phone": "visible"} and shown.rows == ""


def test_roles_without_a_column_in_common_show_nothing_of_the_table() -> None:
    assert add_up(ANN, [role(EMEA, name="visible"), role(APAC, phone="visible")]).tables == {}


def test_an_attribute_is_bound_for_the_user() -> None:
    assert table(role("region = {region}", name="visible")).rows == EMEA


def test_documents_of_a_role_without_a_rule_are_free_of_the_rules_of_others() -> None:
    free = Role("free", tags=frozenset({"guides", "notes"}))
    ruled = Role("ruled", tags=frozenset({"notes", "contracts"}), follows=frozenset({"account"}))
    scope = add_up(ANN, [ruled, free])
    assert scope.follows == {"account"} and scope.unconditional == {"guides", "notes"}
    assert scope.shows(["notes"], ["account:9"]) and not scope.shows(["contracts"], ["account:9"])
    assert not add_up(ANN, [ruled]).shows(["notes"], ["account:9"])


def test_a_stranger_is_refused_and_a_user_without_roles_sees_nothing() -> None:
    policy = Policy({"ivy": User("ivy")}, {"all": role(name="visible")})
    with pytest.raises(PolicyError, match="no user 'eve'"):
        policy.scope("eve")
    assert policy.scope("ivy") == Scope.nothing("ivy")


# --- the property, over cells -----------------------------------------------------------------------------------------

COLUMNS = ("region", "segment", "phone")
RULES = ("", EMEA, APAC, "segment = 'SMB'", "region = 'EMEA' AND segment = 'SMB'", "phone IS NULL", "region <> 'EMEA'")
TAGS = ("a", "b", "c")
DOCUMENTS = [
    (tags, about) for tags in ("a", "b", "c", "ab", "bc", "") for about in ((), ("account:1",), ("account:2",))
]


def random_role(chance: random.Random, number: int) -> Role:
    columns: dict[str, Visibility] = {c: chance.choice(("visible", "masked")) for c in COLUMNS if chance.random() < 0.8}
    return Role(
        f"role{number}",
        {"accounts": TableScope(columns, chance.choice(RULES))} if columns and chance.random() < 0.9 else {},
        frozenset(tag for tag in TAGS if chance.random() < 0.4),
        frozenset({"account"}) if chance.random() < 0.5 else frozenset(),
        frozenset(action for action in ACTIONS if chance.random() < 0.3),
    )


@pytest.fixture(scope="module")
def rows() -> sqlite3.Connection:
    made = sqlite3.connect(":memory:")
    made.execute("CREATE TABLE accounts (region TEXT, segment TEXT, phone TEXT)")
    values = [(r, s, p) for r in ("EMEA", "APAC", None) for s in ("SMB", "Enterprise") for p in ("1", None)]
    made.executemany("INSERT INTO accounts VALUES (?, ?, ?)", values)
    return made


def cells(rows: sqlite3.Connection, scope: Scope) -> dict[tuple[int, str], Visibility]:
    """What a scope shows, cell by cell."""
    shown = scope.tables.get("accounts")
    if shown is None:
        return {}
    kept = [row for (row,) in rows.execute(f"SELECT rowid FROM accounts WHERE {shown.rows or 1}")]
    return {(row, column): level for row in kept for column, level in shown.columns.items()}


def with_rows_of_one(scope: Scope) -> Scope:
    """As if the scope showed the row of account 1."""
    return replace(scope, about=frozenset({"account:1"}) if scope.follows else frozenset())


def violations(rows: sqlite3.Connection, roles: Sequence[Role]) -> list[str]:
    """What the sum of `roles` shows and no single one of them does."""
    whole = add_up(ANN, roles)
    parts = [add_up(ANN, [one]) for one in roles]
    single = [cells(rows, part) for part in parts]
    found = []
    for cell, level in cells(rows, whole).items():
        levels = {part.get(cell) for part in single}
        if "visible" not in levels and (level == "visible" or "masked" not in levels):
            found.append(f"{cell} {level}")
    for tags, about in DOCUMENTS:
        single_shows = any(with_rows_of_one(part).shows(tags, about) for part in parts)
        if with_rows_of_one(whole).shows(tags, about) and not single_shows:
            found.append(f"document {tags} {about}")
    found += [str(a) for a in whole.actions if not any(part.may(a) for part in parts)]
    return found


def test_a_sum_of_roles_shows_nothing_that_no_role_shows(rows: sqlite3.Connection) -> None:
    chance = random.Random(6)
    for _ in range(1500):
        roles = [random_role(chance, n) for n in range(chance.randint(1, 4))]
        assert violations(rows, roles) == []


def test_another_role_for_one_user_changes_nothing_for_another() -> None:
    chance = random.Random(7)
    for _ in range(200):
        roles = {f"role{n}": random_role(chance, n) for n in range(4)}
        given = tuple(name for name in roles if chance.random() < 0.5)
        users = {"ann": User("ann", given), "bob": User("bob", ("role0",))}
        more = {**users, "ann": User("ann", tuple(roles))}
        before, after = Policy(users, roles), Policy(more, roles)
        assert after.scope("bob") == before.scope("bob")
        with pytest.raises(PolicyError):
            after.scope("eve")


def test_equal_scopes_have_equal_keys_and_others_do_not() -> None:
    base = add_up(ANN, [role(EMEA, name="visible")])
    ruled = Role("n", tags=frozenset({"notes"}), follows=frozenset({"account"}))
    others = [
        add_up(ANN, [role(APAC, name="visible")]),
        add_up(ANN, [role(EMEA, name="masked")]),
        add_up(ANN, [role(EMEA, name="visible"), ruled]),
        with_rows_of_one(add_up(ANN, [role(EMEA, name="visible"), ruled])),
        add_up(ANN, [role(EMEA, name="visible"), Role("n", tags=frozenset({"notes"}))]),
    ]
    assert base.sight() == add_up(Principal("bob", attributes=ANN.attributes), [role(EMEA, name="visible")]).sight()
    assert base.key() == add_up(ANN, [role(EMEA, name="visible")]).key()
    assert len({scope.key() for scope in (base, *others)}) == len(others) + 1


@pytest.mark.parametrize(
    ("then", "now", "covered"),
    [
        (role(EMEA, name="visible"), role(EMEA, name="visible", phone="masked"), True),
        (role(EMEA, name="visible"), role("", name="visible"), True),
        (role(EMEA, name="masked"), role(EMEA, name="visible"), True),
        (role("", name="visible"), role(EMEA, name="visible"), False),
        (role(EMEA, name="visible"), role(EMEA, name="masked"), False),
        (role(EMEA, name="visible", phone="masked"), role(EMEA, name="visible"), False),
        (Role("n", tags=frozenset({"a", "b"})), Role("n", tags=frozenset({"a"})), False),
        (Role("n", tags=frozenset({"a"})), Role("n", tags=frozenset({"a"}), follows=frozenset({"account"})), False),
        (Role("n", tags=frozenset({"a"}), follows=frozenset({"account"})), Role("n", tags=frozenset({"a"})), True),
    ],
)
def test_a_scope_covers_an_earlier_one_that_showed_no_more(then: Role, now: Role, covered: bool) -> None:
    assert add_up(ANN, [now]).covers(add_up(ANN, [then]).record()) is covered
