"""API keys: long random texts for programs that cannot sign in. The workspace keeps only their hashes."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import os
import re
import secrets
import threading
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import cast, get_args

from filelock import FileLock

from api.access.caller import Caller
from index.errors import NotFoundError, SignInError, StorageError, UsageError
from index.scope import Action

FILE = "keys.json"
PREFIX = "tower_"
_FORM = re.compile(r"tower_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_REFUSED = "the API key does not hold"


@dataclass(frozen=True)
class ApiKey:
    """One key as it is kept. Times are ISO 8601 in UTC; `actions` is empty where it is good for all of its user's."""

    id: str
    user: str
    label: str
    hash: str
    created: str
    expires: str = ""
    revoked: str = ""
    actions: tuple[str, ...] = ()

    def holds(self, now: dt.datetime) -> bool:
        """True while it was not revoked and has not expired."""
        return not self.revoked and (not self.expires or dt.datetime.fromisoformat(self.expires) > now)

    @property
    def caller(self) -> Caller:
        """Whom it lets in."""
        actions = cast("frozenset[Action]", frozenset(self.actions)) if self.actions else None
        return Caller(self.user, "key", f"key:{self.id}", actions=actions)


_Changed = Callable[[dict[str, ApiKey]], dict[str, ApiKey]]


class ApiKeys:
    """The keys of the workspace at `home`, read again when the file changes. Safe between threads and processes."""

    def __init__(self, home: Path) -> None:
        self._path = home / FILE
        self._keys: dict[str, ApiKey] = {}
        self._stamp: tuple[int, int, int] | None = None
        self._mutex = threading.Lock()

    def caller(self, given: str) -> Caller:
        """Who calls with the key `given`; raises `SignInError`."""
        match = _FORM.fullmatch(given)
        key = self._current().get(match[1]) if match else None
        secret = match[2] if match else ""
        if key is None or not hmac.compare_digest(_hash(secret), key.hash):
            raise SignInError(_REFUSED)
        if not key.holds(_now()):
            raise SignInError("the API key has expired or was revoked")
        return key.caller

    def add(
        self, user: str, label: str = "", *, days: int | None = None, actions: Iterable[str] = ()
    ) -> tuple[ApiKey, str]:
        """A new key for `user` and the text that stands for it, which is told this once."""
        wanted = tuple(dict.fromkeys(actions))
        unknown = sorted(set(wanted) - set(get_args(Action)))
        if unknown:
            raise UsageError(f"no action {unknown[0]!r}", hint=f"known: {', '.join(get_args(Action))}")
        if days is not None and days < 1:
            raise UsageError(f"a key for {days} days holds for nothing", hint="1 or more, or leave --days away")
        identity, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        now = _now()
        expires = _text(now + dt.timedelta(days=days)) if days is not None else ""
        key = ApiKey(identity, user, label, _hash(secret), _text(now), expires, actions=wanted)
        self._change(lambda held: {**held, key.id: key})
        return key, f"{PREFIX}{identity}_{secret}"

    def revoke(self, identity: str) -> ApiKey:
        """Take a key back, at once; raises `NotFoundError`. Idempotent."""

        def changed(held: dict[str, ApiKey]) -> dict[str, ApiKey]:
            if identity not in held:
                raise NotFoundError(f"no API key {identity!r}", hint="`tower keys list` shows them")
            key = held[identity]
            return {**held, identity: key if key.revoked else replace(key, revoked=_text(_now()))}

        self._change(changed)
        return self._current()[identity]

    def list(self) -> list[ApiKey]:
        """Every key, the oldest first."""
        return list(self._current().values())

    def any(self) -> bool:
        """True while at least one key lets somebody in."""
        now = _now()
        return any(key.holds(now) for key in self._current().values())

    def _current(self) -> dict[str, ApiKey]:
        with self._mutex:
            try:
                found = self._path.stat()
            except FileNotFoundError:
                self._keys, self._stamp = {}, None
                return self._keys
            stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
            if stamp != self._stamp:
                self._keys, self._stamp = self._read(), stamp
            return self._keys

    def _read(self) -> dict[str, ApiKey]:
        try:
            held = json.loads(self._path.read_text(encoding="utf-8"))["keys"]
            keys = [ApiKey(**{**one, "actions": tuple(one["actions"])}) for one in held]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StorageError(f"the API keys in {self._path} cannot be read: {error}") from error
        return {key.id: key for key in keys}

    def _change(self, change: _Changed) -> None:
        """Read, change and replace the file in one step, readable by its owner only."""
        try:
            with FileLock(self._path.with_suffix(".lock"), timeout=10):
                held = change(self._read() if self._path.exists() else {})
                body = json.dumps({"version": 1, "keys": [asdict(key) for key in held.values()]}, indent=1)
                temporary = self._path.with_suffix(".new")
                handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    file.write(body)
                    file.flush()
                    os.fsync(file.fileno())
                temporary.replace(self._path)
        except OSError as error:
            raise StorageError(f"the API keys in {self._path} cannot be written: {error}") from error


def _hash(secret: str) -> str:
    # 256 random bits need no slow hash: nobody tries them through.
    return hashlib.sha256(secret.encode()).hexdigest()


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _text(moment: dt.datetime) -> str:
    return moment.isoformat(timespec="seconds")
