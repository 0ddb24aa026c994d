"""Who may ask: the workspace's policy file, read again when it changes, and the Scope of each of its users."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from api.access.caller import Caller
from index.catalogue.model import Catalogue
from index.errors import PolicyError, PolicyFileError
from index.scope import Scope

if TYPE_CHECKING:
    from index.policy.policy import Policy

FRESH_S = 30.0  # for how long the keys that documents follow are taken as read
MOST = 10_000  # scopes held at a time
_Stamp = tuple[tuple[int, int, int] | None, ...]


@dataclass
class _Read:
    """A policy as it was read, and the scopes made of it: one object a caller, so that caches know it again."""

    stamp: _Stamp
    policy: Policy
    scopes: dict[Caller, tuple[Scope, float]] = field(default_factory=dict)


class Principals:
    """The users of one workspace. Where there is no policy file there are none, and the local administrator asks.

    `catalogue` gives the catalogue that the policy is written against, `complete` fills in what a scope's documents
    may be about. `required` says that the settings name the file, which must then be there.
    """

    def __init__(
        self,
        path: Path,
        catalogue_path: Path,
        tags: frozenset[str],
        catalogue: Callable[[], Catalogue],
        complete: Callable[[Scope], Scope],
        *,
        required: bool = False,
    ) -> None:
        self.path = path
        self._catalogue_path = catalogue_path
        self._tags = tags
        self._catalogue = catalogue
        self._complete = complete
        self._required = required
        self._read: _Read | None = None
        self._mutex = threading.RLock()

    def policy(self) -> Policy | None:
        """The policy in force, None where there is none. Raises `PolicyFileError` for one that does not hold
        together, and for one that was there before: a file that vanishes must not open the workspace."""
        read = self._current()
        return read.policy if read is not None else None

    def declared(self) -> bool:
        """True where a policy declares users; raises `PolicyFileError` as `policy` does."""
        return self._current() is not None

    def scope(self, user: str | Caller | None) -> Scope | None:
        """What `user` may see; None is the local administrator, in a workspace without users.

        A caller who signed in is the user of that name; one that the file does not list is a member of the groups
        that the token names. A token that is good for some actions only narrows the scope to them. In a workspace
        without users whoever signed in is the local administrator, as anybody else is there.

        Raises `PolicyError` for nobody where users are declared, and for a user that is not."""
        read = self._current()
        if read is None:
            if user is None or isinstance(user, Caller):
                return None
            raise PolicyError(
                f"this workspace has no user {user!r}", hint="leave --as away to ask as the local administrator"
            )
        if user is None:
            raise PolicyError("this workspace declares users, and nobody was named", hint="say who asks: --as USER")
        caller = user if isinstance(user, Caller) else Caller(user, "development")
        with self._mutex:
            scope, made = read.scopes.get(caller, (None, 0.0))
            if scope is None or (scope.follows and time.monotonic() - made > FRESH_S):
                fresh = self._complete(_scope(read.policy, caller))
                # an equal scope stays the same object, so that what was made for it still serves
                scope = scope if scope is not None and scope.key() == fresh.key() else fresh
                while len(read.scopes) >= MOST and caller not in read.scopes:
                    del read.scopes[next(iter(read.scopes))]
                read.scopes[caller] = (scope, time.monotonic())
            return scope

    def forget(self) -> None:
        """Drop the scopes made so far: the data that they were worked out of has changed."""
        with self._mutex:
            if self._read is not None:
                self._read.scopes.clear()

    def _current(self) -> _Read | None:
        with self._mutex:
            stamp = (_stamp(self.path), _stamp(self._catalogue_path))
            if stamp[0] is None:
                if self._required or self._read is not None:
                    raise PolicyFileError(
                        f"the policy {self.path} is not there", hint="put it back, or restart without `policy:`"
                    )
                return None
            if self._read is None or self._read.stamp != stamp:
                from index.policy.file import load_policy

                policy = load_policy(self.path, self._catalogue(), self._tags)
                self._read = _Read(stamp, policy)
            return self._read


def _scope(policy: Policy, caller: Caller) -> Scope:
    if caller.groups is not None and caller.name not in policy.users:
        scope = policy.member_scope(caller.name, caller.groups, dict(caller.attributes))
    else:
        scope = policy.scope(caller.name)
    return scope if caller.actions is None else replace(scope, actions=scope.actions & caller.actions)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
