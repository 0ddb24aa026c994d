"""What one request leaves for another, by a name, for a while: of a browser's sign-in, and of requests that are sent
twice. In this process, or in Redis where several servers stand behind one address.

Redis holds nothing that lets anybody in: an entry's key there is a hash of its name, and its content is sealed
(AES-GCM). Both are made with the key that the servers share, so who can read and write Redis, and does not have that
key, neither reads an entry nor makes one.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from index.errors import SettingsError, StorageError

if TYPE_CHECKING:
    from api.settings import ConsoleSettings, LimitsSettings

MOST = 10_000  # entries held in the process; the oldest go
SHORTEST_KEY = 32  # characters
_NONCE = 12  # bytes


class Shelf(Protocol):
    """Texts by name. Safe between threads. Raises `StorageError` where the store does not answer."""

    def put(self, name: str, text: str, seconds: float) -> None:
        """Keep a text for so long."""
        ...

    def add(self, name: str, text: str, seconds: float) -> str | None:
        """`put` where there is none, else the text that is there: of several who add it one is first, and gets None."""
        ...

    def get(self, name: str) -> str | None:
        """The text; None where there is none, or its time is over."""
        ...

    def take(self, name: str) -> str | None:
        """The text, which is then gone: of several who take it one gets it."""
        ...


class LocalShelf:
    """In this process: a restart empties it, and of more than `most` entries the oldest go."""

    def __init__(self, most: int = MOST, clock: Callable[[], float] | None = None) -> None:
        self._most, self._clock = most, clock
        self._held: OrderedDict[str, tuple[float, str]] = OrderedDict()
        self._mutex = threading.Lock()

    def put(self, name: str, text: str, seconds: float) -> None:
        """Keep a text for so long."""
        with self._mutex:
            self._keep(name, text, seconds)

    def add(self, name: str, text: str, seconds: float) -> str | None:
        """Keep a text where there is none, else the one that is there."""
        with self._mutex:
            known = self._known(name)
            if known is None:
                self._keep(name, text, seconds)
            return known

    def get(self, name: str) -> str | None:
        """The text, or None."""
        with self._mutex:
            return self._known(name)

    def take(self, name: str) -> str | None:
        """The text, once."""
        with self._mutex:
            known = self._known(name)
            self._held.pop(name, None)
            return known

    def _now(self) -> float:
        return time.monotonic() if self._clock is None else self._clock()

    def _known(self, name: str) -> str | None:
        until, text = self._held.get(name, (0.0, ""))
        if until > self._now():
            return text
        self._held.pop(name, None)
        return None

    def _keep(self, name: str, text: str, seconds: float) -> None:
        self._held[name] = (self._now() + seconds, text)
        while len(self._held) > self._most:
            self._held.popitem(last=False)


class RedisShelf:
    """In Redis, for all servers with the same `key`."""

    def __init__(self, url: str, password: str, prefix: str, key: str) -> None:
        from redis import Redis, RedisError

        self._client: Any = Redis.from_url(url, password=password or None, socket_timeout=5, socket_connect_timeout=5)
        self._failures = (RedisError, OSError)
        self._prefix, self._key = prefix, key.encode()

    def put(self, name: str, text: str, seconds: float) -> None:
        """Keep a text for so long."""
        self._set(name, text, seconds)

    def add(self, name: str, text: str, seconds: float) -> str | None:
        """Keep a text where there is none, else the one that is there."""
        while not self._set(name, text, seconds, nx=True):
            known = self.get(name)
            if known is not None:
                return known
            self.take(name)  # its time was over between the two, or it is none of ours
        return None

    def _set(self, name: str, text: str, seconds: float, **options: bool) -> bool:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        address, key = self._of(name)
        nonce = secrets.token_bytes(_NONCE)
        sealed = nonce + AESGCM(key).encrypt(nonce, text.encode(), address.encode())
        return bool(self._asked("set", address, sealed, px=max(1, round(seconds * 1000)), **options))

    def get(self, name: str) -> str | None:
        """The text, or None."""
        return self._opened(name, "get")

    def take(self, name: str) -> str | None:
        """The text, once."""
        return self._opened(name, "getdel")

    def _opened(self, name: str, command: str) -> str | None:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        address, key = self._of(name)
        sealed = self._asked(command, address)
        if sealed is None:
            return None
        try:
            return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], address.encode()).decode()
        except (InvalidTag, ValueError):  # not put there by a server with our key
            return None

    def _of(self, name: str) -> tuple[str, bytes]:
        """The entry's key in Redis, and what its content is sealed with: two halves that tell nothing of each other."""
        digest = hmac.digest(self._key, name.encode(), hashlib.sha512)
        return f"{self._prefix}:shelf:{digest[:32].hex()}", digest[32:]

    def _asked(self, command: str, *given: Any, **options: Any) -> Any:
        try:
            return getattr(self._client, command)(*given, **options)
        except self._failures as error:
            raise StorageError(f"the store that the servers share does not answer: {error}") from error


def shelf_of(console: ConsoleSettings, limits: LimitsSettings, most: int = MOST) -> Shelf:
    """Redis where the settings name it and the servers' shared key is set, else this process, with so many entries."""
    key = console.session_key()
    if not key:
        return LocalShelf(most)
    if not limits.redis_url:
        raise SettingsError(
            f"{console.session_key_env} is set, and limits.redis_url is not: nothing would be shared with anybody",
            hint="name the Redis that the servers share, or unset the variable",
        )
    if len(key) < SHORTEST_KEY:
        raise SettingsError(
            f"{console.session_key_env} has fewer than {SHORTEST_KEY} characters",
            hint="`openssl rand -hex 32` makes one; every server needs the same",
        )
    return RedisShelf(limits.redis_url, limits.redis_password(), limits.redis_prefix, key)
