"""`token` and `keys`: how programs and developers prove to the server who they are.

Both are for whoever may open the files of the workspace, as every command is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.commands.runtime import HomeOption, JsonOption, remark, runtime, show
from index.errors import PolicyError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from api.access.keys import ApiKey
    from api.settings import Settings

app = typer.Typer(
    help="API keys: long random texts for programs that cannot sign in.", no_args_is_help=True, rich_markup_mode=None
)
UserOption = Annotated[str, typer.Option("--user", metavar="USER", help="Whom it lets in: a user of policy.yaml.")]


def register(root: typer.Typer) -> None:
    """Add the commands of this module."""
    root.command()(token)
    root.add_typer(app, name="keys")


def token(
    context: typer.Context,
    user: UserOption,
    hours: Annotated[float, typer.Option("--hours", metavar="H", help="For how long it holds; at most 168.")] = 12.0,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Print a development token, signed with a key of this workspace; servers in production refuse it.

    \b
    Example:
      curl -H "Authorization: Bearer $(tower token --user erin)" http://127.0.0.1:8000/v1/drafts
    """
    from api.access.tokens import LONGEST_H, issue

    settings = runtime(context).settings(home)
    if settings.signin.production:
        raise PolicyError("this workspace is in production", hint="sign in, or make an API key: tower keys add")
    if not 0 < hours <= LONGEST_H:
        raise UsageError(f"a token does not hold for {hours:g} hours", hint=f"more than 0, at most {LONGEST_H}")
    _require_user(settings, user)
    with _recorded(settings.home, "token.issue", user):
        made = issue(settings.home, user, hours)
    show({"user": user, "hours": hours, "token": made}, as_json, lambda console: _plain(console, made))


@app.command()
def add(
    context: typer.Context,
    user: UserOption,
    label: Annotated[str, typer.Option("--label", metavar="TEXT", help="What it is for.")] = "",
    days: Annotated[
        int | None, typer.Option("--days", metavar="N", help="For how long; default: until revoked.")
    ] = None,
    action: Annotated[
        list[str] | None, typer.Option("--action", metavar="ACTION", help="Good for this only; may be repeated.")
    ] = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Make an API key and print it, this once: the workspace keeps its hash.

    \b
    Example:
      tower keys add --user crm-console --label "service console" --action ask
    """
    from api.access.keys import ApiKeys

    settings = runtime(context).settings(home)
    _require_user(settings, user)
    with _recorded(settings.home, "keys.add", user) as found:
        key, text = ApiKeys(settings.home).add(user, label, days=days, actions=action or ())
        found["key"] = key.id
    show({**_view(key), "key": text}, as_json, lambda console: _plain(console, text))


@app.command("list")
def list_(context: typer.Context, as_json: JsonOption = False, home: HomeOption = None) -> None:
    """Show the API keys: whom they let in and until when, not the keys themselves.

    \b
    Example:
      tower keys list
    """
    from api.access.keys import ApiKeys

    found = [_view(key) for key in ApiKeys(runtime(context).settings(home).home).list()]
    show(found, as_json, lambda console: _table(console, found))


@app.command()
def revoke(
    context: typer.Context,
    key_id: Annotated[str, typer.Argument(metavar="ID")],
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Take an API key back; the next request with it is refused.

    \b
    Example:
      tower keys revoke 3f9a2c1b7d04
    """
    from api.access.keys import ApiKeys

    folder = runtime(context).settings(home).home
    with _recorded(folder, "keys.revoke", "") as found:
        key = ApiKeys(folder).revoke(key_id)
        found["key"] = key.id
    show(_view(key), as_json, lambda console: _plain(console, f"{key.id} is revoked"))


def _require_user(settings: Settings, user: str) -> None:
    """Raises `PolicyError` for a user that the policy does not declare."""
    if not settings.policy_path.exists():
        remark("this workspace declares no users: whoever reaches its server is the local administrator")
        return
    from api.access.policies import read_policy

    read_policy(settings).user(user)


@contextmanager
def _recorded(home: Path, operation: str, user: str) -> Iterator[dict[str, Any]]:
    """The audit record of one of these commands, written before its result is shown."""
    from api.audit import LOCAL, Trail
    from index.audit import AuditLog

    details = {"for": user[:64]} if user else {}
    with Trail(AuditLog(home)).operation(operation, LOCAL, activity="create", announce=True, **details) as found:
        yield found


def _view(key: ApiKey) -> dict[str, Any]:
    state = "revoked" if key.revoked else "expired" if not key.holds(_now()) else "good"
    return {
        "id": key.id,
        "user": key.user,
        "label": key.label,
        "actions": list(key.actions),
        "created": key.created,
        "expires": key.expires,
        "state": state,
    }


def _now() -> Any:
    import datetime as dt

    return dt.datetime.now(dt.UTC)


def _plain(console: Console, text: str) -> None:
    console.print(text, markup=False, soft_wrap=True)


def _table(console: Console, found: list[dict[str, Any]]) -> None:
    from rich.table import Table

    table = Table("id", "user", "label", "good for", "expires", "state")
    for row in found:
        actions = ", ".join(row["actions"]) or "all of the user's"
        table.add_row(row["id"], row["user"], row["label"], actions, row["expires"] or "-", row["state"])
    console.print(table)
