"""Sessions of people at the console: a random id in a cookie, and on the server, by that id, who signed in with it."""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from api.access.caller import Caller

if TYPE_CHECKING:
    from api.access.shelf import Shelf
    from api.access.signin import SignIn

MOST = 10_000  # tokens known; the oldest is forgotten
LASTING_S = 12 * 3600.0  # after so long the use of a token is a sign-in again


@dataclass(frozen=True)
class Session:
    """Who signed in: `caller` of a sign-in service, else the `bearer` token, which is checked with every request."""

    caller: Caller | None = None
    bearer: str = ""

    def whom(self, sign_in: SignIn) -> Caller:
        """Who calls; raises `SignInError` where the token does not hold any more."""
        return self.caller if self.caller is not None else sign_in.caller([f"Bearer {self.bearer}"])


class Arrivals:
    """The tokens and keys that this server has let in, by hash, each for `LASTING_S`: whose first use is a sign-in.
    Safe between threads."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, float] = OrderedDict()
        self._mutex = threading.Lock()

    def new(self, token: str) -> bool:
        """True for a token that was not `noted`, or too long ago."""
        with self._mutex:
            return self._known.get(_hash(token), -LASTING_S) + LASTING_S <= time.monotonic()

    def note(self, token: str) -> None:
        """It is known from now on."""
        with self._mutex:
            self._known[_hash(token)] = time.monotonic()
            self._known.move_to_end(_hash(token))
            while len(self._known) > MOST:
                self._known.popitem(last=False)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


class Sessions:
    """The open sessions, kept on `shelf` by their ids: where servers share it, whoever signed in at one is signed in at
    each, and signed out at each."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def open(self, seconds: float, *, caller: Caller | None = None, bearer: str = "") -> str:
        """A new session that ends after `seconds`; gives its id, which nobody can guess."""
        identity = secrets.token_urlsafe(32)
        self._shelf.put(_name(identity), _written(Session(caller, bearer)), seconds)
        return identity

    def find(self, identity: str) -> Session | None:
        """The session with that id; None where there is none, or it has ended."""
        text = self._shelf.get(_name(identity))
        return _read(text) if text is not None else None

    def close(self, identity: str) -> None:
        """End a session; idempotent."""
        self._shelf.take(_name(identity))


def _name(identity: str) -> str:
    return f"session:{identity}"


def _written(session: Session) -> str:
    caller: dict[str, Any] | None = None
    if session.caller is not None:
        caller = asdict(session.caller)
        for name in ("groups", "actions"):
            caller[name] = sorted(caller[name]) if caller[name] is not None else None
    return json.dumps({"caller": caller, "bearer": session.bearer})


def _read(text: str) -> Session:
    held = json.loads(text)
    caller = held["caller"]
    if caller is None:
        return Session(bearer=held["bearer"])
    sets = {name: frozenset(caller[name]) if caller[name] is not None else None for name in ("groups", "actions")}
    pairs = tuple((name, tuple(value) if isinstance(value, list) else value) for name, value in caller["attributes"])
    return Session(Caller(**{**caller, **sets, "attributes": pairs}), held["bearer"])
