"""Sessions of people at the console: a random id in a cookie, and here, on the server, who signed in with it.

Sessions live in this process: a restart ends them, and several server processes need a gateway that keeps a browser
on one of them.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from api.access.caller import Caller
    from api.access.signin import SignIn

MOST = 10_000  # sessions held; the oldest ends
LASTING_S = 12 * 3600.0  # after so long the use of a token is a sign-in again


@dataclass(frozen=True)
class Session:
    """Who signed in: `caller` of a sign-in service, else the `bearer` token, which is checked with every request."""

    ends: float
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
    """The open sessions of one server, by id. Safe between threads."""

    def __init__(self) -> None:
        self._held: OrderedDict[str, Session] = OrderedDict()
        self._mutex = threading.Lock()

    def open(self, seconds: float, *, caller: Caller | None = None, bearer: str = "") -> str:
        """A new session that ends after `seconds`; gives its id, which nobody can guess."""
        identity = secrets.token_urlsafe(32)
        with self._mutex:
            self._held[identity] = Session(time.monotonic() + seconds, caller, bearer)
            while len(self._held) > MOST:
                self._held.popitem(last=False)
        return identity

    def find(self, identity: str) -> Session | None:
        """The session with that id; None where there is none, or it has ended."""
        with self._mutex:
            session = self._held.get(identity)
            if session is not None and session.ends < time.monotonic():
                del self._held[identity]
                return None
            return session

    def close(self, identity: str) -> None:
        """End a session; idempotent."""
        with self._mutex:
            self._held.pop(identity, None)
