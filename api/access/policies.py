"""What a policy gives whom, for `tower policy`: as JSON-compatible values, and printed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from index.errors import NotFoundError
from index.policy.policy import Policy, Role, bound

if TYPE_CHECKING:
    from rich.console import Console

    from api.settings import Settings
    from index.catalogue.model import Catalogue
    from index.scope import Scope


def read_catalogue(settings: Settings) -> Catalogue:
    """The catalogue as the workspace declares it."""
    from api.wiring import declared_catalogue

    return declared_catalogue(settings)


def read_policy(settings: Settings) -> Policy:
    """The policy of a workspace, checked; raises `NotFoundError` where there is none, `PolicyFileError`."""
    from api.wiring import declared_tags
    from index.policy.file import load_policy
    from ingest.config import load_sources

    path = settings.policy_path
    if not path.is_file():
        raise NotFoundError(
            f"no policy at {path}: the workspace declares no users, and the local administrator asks",
            hint="docs/policy.md shows one",
        )
    sources = load_sources(settings.sources, settings.home.absolute(), settings.environment)
    return load_policy(path, read_catalogue(settings), declared_tags(sources))


def summary(path: Path, policy: Policy) -> dict[str, Any]:
    """Users with their roles, and roles that nobody has."""
    held = {role for user in policy.users.values() for role in user.roles}
    return {
        "policy": str(path),
        "users": [{"user": u.name, "groups": sorted(u.groups), "roles": list(u.roles)} for u in policy.users.values()],
        "unused_roles": sorted(set(policy.roles) - held),
    }


def explained(policy: Policy, name: str, catalogue: Catalogue) -> dict[str, Any]:
    """What the user sees and may do, each with the roles that give it; raises `PolicyError` for an unknown user."""
    user, roles, scope = policy.user(name), policy.roles_of(name), policy.scope(name)
    return {
        "user": name,
        "groups": sorted(user.groups),
        "roles": [role.name for role in roles],
        "attributes": {key: list(v) if isinstance(v, tuple) else v for key, v in user.attributes.items()},
        "tables": [_table(t.name, [c.name for c in t.columns], scope, roles) for t in catalogue.tables
                   if t.name in scope.tables],
        "hidden_tables": sorted(t.name for t in catalogue.tables if t.name not in scope.tables),
        "documents": [_tag(tag, scope, roles) for tag in sorted(scope.tags)],
        "actions": [{"action": a, "roles": [r.name for r in roles if a in r.actions]} for a in sorted(scope.actions)],
        "withheld": scope.tells_withheld,
    }  # fmt: skip


def _table(name: str, columns: Iterable[str], scope: Scope, roles: Iterable[Role]) -> dict[str, Any]:
    shown = scope.tables[name]
    given = {role.name: bound(role.tables[name], scope.principal.attributes) for role in roles if name in role.tables}
    return {
        "table": name,
        "rows": shown.rows,
        "columns": dict(shown.columns),
        "hidden_columns": [c for c in columns if c not in shown.columns],
        "roles": [{"role": role, "rows": table.rows, "columns": dict(table.columns)} for role, table in given.items()],
    }


def _tag(tag: str, scope: Scope, roles: Iterable[Role]) -> dict[str, Any]:
    ruled = bool(scope.follows) and tag not in scope.unconditional
    return {
        "tag": tag,
        "follows_rows_of": sorted(scope.follows) if ruled else [],
        "roles": [role.name for role in roles if tag in role.tags],
    }


def render_summary(console: Console, found: dict[str, Any]) -> None:
    """Print `summary`."""
    from api.render.answers import line

    line(console, f"{found['policy']} is sound", "bold")
    for user in found["users"]:
        line(console, f"  {user['user']}: {', '.join(user['roles']) or 'no role, so sees nothing'}")
    if found["unused_roles"]:
        line(console, f"nobody has: {', '.join(found['unused_roles'])}")


def render_explained(console: Console, found: dict[str, Any]) -> None:
    """Print `explained`."""
    from api.render.answers import line

    line(console, f"{found['user']}: {', '.join(found['roles']) or 'no role, so sees nothing'}", "bold")
    for table in found["tables"]:
        masked = [name for name, level in table["columns"].items() if level == "masked"]
        line(console, f"\n{table['table']}  (from {', '.join(one['role'] for one in table['roles'])})", "bold")
        line(console, f"  rows: {table['rows'] or 'all'}")
        line(console, f"  visible: {', '.join(name for name in table['columns'] if name not in masked) or '-'}")
        for label, names in (("masked", masked), ("hidden", table["hidden_columns"])):
            if names:
                line(console, f"  {label}: {', '.join(names)}")
    if found["hidden_tables"]:
        line(console, f"\nhidden tables: {', '.join(found['hidden_tables'])}")
    line(console, "\ndocuments:" + ("" if found["documents"] else " none"))
    for tag in found["documents"]:
        follows = f", where the {' and '.join(tag['follows_rows_of'])} is visible" if tag["follows_rows_of"] else ""
        line(console, f"  {tag['tag']}{follows}  (from {', '.join(tag['roles'])})")
    line(console, "actions:" + ("" if found["actions"] else " none"))
    for action in found["actions"]:
        line(console, f"  {action['action']}  (from {', '.join(action['roles'])})")
    if found["withheld"]:
        line(console, "answers tell how many rows and passages policy kept from them")
