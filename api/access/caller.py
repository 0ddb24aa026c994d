"""Who signed in: what a token or a key proved about the one who calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from index.policy.rows import AttributeValue
    from index.scope import Action

How = Literal["oidc", "key", "development"]


@dataclass(frozen=True)
class Caller:
    """`name` is the user, or the machine client that calls for itself; `client` the program it calls through.

    `groups` are what the token says of a user whom the policy file need not list; None where only the file counts.
    `actions` is what the token is good for, whatever the user's roles allow; None for no such limit.
    """

    name: str
    how: How
    client: str = ""
    groups: frozenset[str] | None = None
    attributes: tuple[tuple[str, AttributeValue], ...] = ()
    actions: frozenset[Action] | None = None
