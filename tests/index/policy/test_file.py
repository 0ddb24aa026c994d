"""The policy file: what it means, and errors that name the place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from index.catalogue.file import load_catalogue, parse_catalogue
from index.errors import PolicyFileError
from index.policy.file import load_policy, parse_policy
from tests.governed import CATALOGUE, POLICY

ROOT = Path(__file__).parents[3]
TAGS = frozenset({"notes", "handbook", "unused"})


def parsed(text: str) -> Any:
    return parse_policy(yaml.safe_load(text), parse_catalogue(yaml.safe_load(CATALOGUE)), TAGS)


def one_role(tables: str, attributes: str = "{}") -> Any:
    return parsed(f"users: {{ann: {{roles: [r], attributes: {attributes}}}}}\nroles:\n  r:\n    tables: {tables}\n")


def test_a_star_masks_what_is_personal_and_hides_what_is_secret() -> None:
    shown = one_role('"*"').scope("ann").tables
    assert set(shown) == {"accounts", "contacts", "orders", "products"}
    assert dict(shown["contacts"].columns) == {
        "contact_id": "visible", "account_id": "visible", "name": "masked", "email": "masked",
    }  # fmt: skip


def test_a_named_column_is_shown_whatever_its_sensitivity() -> None:
    columns = one_role('{contacts: {columns: {"*": visible, email: visible, pin: masked}}}').scope("ann").tables
    assert columns["contacts"].columns["email"] == "visible"
    assert columns["contacts"].columns["pin"] == "masked"
    assert columns["contacts"].columns["name"] == "masked"


def test_a_star_at_masked_masks_the_rest_and_hidden_hides() -> None:
    shown = one_role('{accounts: {columns: {"*": masked, name: visible, seats: hidden}}}').scope("ann").tables
    assert shown["accounts"].columns["region"] == "masked" and shown["accounts"].columns["name"] == "visible"
    assert "seats" not in shown["accounts"].columns


def test_a_star_beside_named_tables_means_the_others() -> None:
    shown = one_role('{"*": "*", accounts: [name]}').scope("ann").tables
    assert dict(shown["accounts"].columns) == {"name": "visible"} and "orders" in shown


def test_what_is_not_listed_is_hidden() -> None:
    scope = parsed("users: {ann: {roles: [r]}}\nroles: {r: {tables: {accounts: [name]}}}").scope("ann")
    assert list(scope.tables) == ["accounts"] and scope.tags == frozenset() and scope.actions == frozenset()


def test_groups_bring_roles() -> None:
    policy = parsed(POLICY)
    assert [role.name for role in policy.roles_of("emma")] == ["regional", "reader"]
    assert policy.scope("emma").tables["accounts"].rows == "region = 'EMEA'"
    assert policy.scope("root").tags == TAGS


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("users: {ann: {roles: [rr]}}\nroles: {reader: {}}", "users.ann.roles: there is no role 'rr'", ""),
        (
            "users: {ann: {groups: [salez]}}\ngroups: {sales: {}}",
            "users.ann.groups: there is no group 'salez'",
            "'sales'",
        ),
        ("users: {ann: {rolls: []}}", "users.ann.rolls: is not known", "'roles'"),
        ("users: {}", "users: declares nobody", "at least one"),
        ("{r: {tables: {acounts: '*'}}}", "roles.r.tables.acounts: there is no table", "'accounts'"),
        ("{r: {tables: {accounts: [nam]}}}", "accounts.columns: there is no column in accounts 'nam'", "'name'"),
        ("{r: {tables: {accounts: {columns: {name: maskd}}}}}", "'maskd' is not one of", "'masked'"),
        ("{r: {tables: {accounts: {rows: '1=1'}}}}", "accounts.columns: shows no column", ""),
        ("{r: {documents: [note]}}", "documents: there is no document tag 'note'", "'notes'"),
        ("{r: {actions: [aks]}}", "actions: there is no action 'aks'", "'ask'"),
        ("{r: {entities: {acount: rows}}}", "entities.acount: there is no entity", "'account'"),
        ("{r: {entities: {account: all}}}", "entities.account: 'all' is not one of rows", ""),
        ("{r: {tables: {'*': [name]}}}", "stands for every other table", ""),
        ("users: {ann: {}}\nversion: 2", "version", ""),
    ],
)
def test_a_bad_file_names_the_place_and_what_is_near(text: str, message: str, hint: str) -> None:
    with pytest.raises(PolicyFileError) as caught:
        parsed(text if text.startswith("users") else f"users: {{ann: {{}}}}\nroles: {text}")
    assert message in caught.value.message and hint in caught.value.hint


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("regoin = 'EMEA'", "regoin"),
        ("region = 'EMEA'; SELECT 1", "rows"),
        ("region = '{region}'", "cannot be read"),
        ("region = {team}", "needs the attribute 'team', which the user does not have (ann)"),
        ("account_id IN (SELECT id FROM vault)", "rows"),
        ("load_extension('x')", "rows"),
        ("1 = 1) OR (1 = 1", "rows"),
    ],
)
def test_row_rules_pass_the_guard_when_the_file_is_read(rows: str, message: str) -> None:
    with pytest.raises(PolicyFileError) as caught:
        one_role(f'{{accounts: {{columns: "*", rows: "{rows}"}}}}', "{region: EMEA}")
    assert "roles.r.tables.accounts.rows" in caught.value.message and message in caught.value.message


def test_the_rule_of_a_role_that_nobody_has_is_checked_too() -> None:
    good = 'users: {ann: {}}\nroles: {r: {tables: {accounts: {columns: "*", rows: "region IN {regions}"}}}}'
    assert parsed(good).roles["r"].tables["accounts"].rows
    with pytest.raises(PolicyFileError):
        parsed(good.replace("region IN", "regoin IN"))


def test_a_file_that_is_no_yaml_or_not_there_is_refused(tmp_path: Path) -> None:
    catalogue = parse_catalogue(yaml.safe_load(CATALOGUE))
    with pytest.raises(PolicyFileError, match="cannot be read"):
        load_policy(tmp_path / "policy.yaml", catalogue, TAGS)
    (tmp_path / "policy.yaml").write_text("users: {ann: {}, ann: {}}", encoding="utf-8")
    with pytest.raises(PolicyFileError, match="written twice"):
        load_policy(tmp_path / "policy.yaml", catalogue, TAGS)


def test_the_policy_of_the_sample_company_holds() -> None:
    sources = yaml.safe_load((ROOT / "data/tower.yaml").read_text("utf-8"))["sources"]
    tags = frozenset(sources) | {tag for s in sources.values() for d in s.get("documents", ()) for tag in d["tags"]}
    policy = load_policy(ROOT / "data/policy.example.yaml", load_catalogue(ROOT / "data/catalogue.yaml"), tags)
    erin, kenji, sam = (policy.scope(name) for name in ("erin", "kenji", "sam"))
    assert erin.tables["accounts"].rows == "region = 'EMEA'" and kenji.tables["accounts"].rows == "region = 'APAC'"
    assert erin.tables["contacts"].columns["phone"] == "masked" and erin.follows == {"account"}
    assert "contacts" not in sam.tables and "list_price" not in sam.tables["products"].columns
    assert policy.scope("ada").actions >= {"ingest", "audit"} and policy.scope("ivy").tables == {}
