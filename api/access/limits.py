"""How much users and clients may use: requests, concurrency, rows, tokens, cost.

Requests are counted over a moving minute, the rest in whole hours and days. Counters are in this process, or in Redis
where several processes share them. What a request uses is known when it is done: the one that goes over a limit of
rows, tokens or cost is answered, and the next is refused.
"""

from __future__ import annotations

import math
import secrets
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from index.errors import LimitError, StorageError

if TYPE_CHECKING:
    from limits import RateLimitItem

    from api.settings import LimitSettings, LimitsSettings

LEASE_S = 900.0  # a place that a killed process held is free again after this long
MICRO = 1_000_000  # cost is counted in millionths
_TAKE = """
local now = tonumber(redis.call('TIME')[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[1]) then return 0 end
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[3])
redis.call('EXPIRE', KEYS[1], math.ceil(tonumber(ARGV[2])))
return 1
"""


@dataclass(frozen=True)
class Who:
    """Whose counters: a user's or a client's, and the limits on them."""

    kind: str
    name: str
    limit: LimitSettings


class Places(Protocol):
    """How many things go on at a time."""

    def take(self, key: str, most: int) -> str:
        """A place, by a name to give it back with; empty where all are taken."""
        ...

    def give_back(self, key: str, place: str) -> None:
        """Free the place."""
        ...


class LocalPlaces:
    """Places in this process."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = defaultdict(int)
        self._mutex = threading.Lock()

    def take(self, key: str, most: int) -> str:
        """A place, or the empty text."""
        with self._mutex:
            if self._taken[key] >= most:
                return ""
            self._taken[key] += 1
            return "here"

    def give_back(self, key: str, place: str) -> None:
        """Free the place."""
        with self._mutex:
            self._taken[key] -= 1
            if not self._taken[key]:
                del self._taken[key]


class SharedPlaces:
    """Places in Redis: a sorted set of leases, by the second at which each ends."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._take = client.register_script(_TAKE)

    def take(self, key: str, most: int) -> str:
        """A place, or the empty text."""
        place = secrets.token_hex(8)
        return place if self._take(keys=[key], args=[most, LEASE_S, place]) else ""

    def give_back(self, key: str, place: str) -> None:
        """Free the place."""
        self._client.zrem(key, place)


class Limits:
    """The limits of one server. Raises `StorageError` where the shared counters do not answer: then nobody passes."""

    def __init__(self, settings: LimitsSettings) -> None:
        from limits.storage import RedisStorage, Storage
        from limits.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter

        self._settings = settings
        self._prefix = settings.redis_prefix
        storage: Storage = _local_counters()
        self._places: Places = LocalPlaces()
        self._failures: tuple[type[BaseException], ...] = ()
        self.shared = bool(settings.redis_url)  # counted by another process, which one has to wait for
        if settings.redis_url:
            from redis import Redis, RedisError

            client = Redis.from_url(settings.redis_url, password=settings.redis_password() or None, socket_timeout=5)
            storage = RedisStorage(settings.redis_url, connection_pool=client.connection_pool)
            self._places, self._failures = SharedPlaces(client), (RedisError, OSError)
        self._moving = MovingWindowRateLimiter(storage)
        self._fixed = FixedWindowRateLimiter(storage)

    @contextmanager
    def entered(self, user: str, client: str) -> Iterator[Meter]:
        """One request of `user` through `client`: counted, and holding its places until the block ends.

        Raises `LimitError` where it is one too many.
        """
        who = [Who("user", user, self._settings.user)]
        who += [Who("client", client, self._settings.client)] if client else []
        meter = Meter(self, client, who)
        held: list[tuple[str, str]] = []
        try:
            with self._reached():
                for one in who:
                    self._admit(one, held)
            yield meter
        finally:
            with self._reached():
                for key, place in held:
                    self._places.give_back(key, place)

    def failed(self, source: str) -> bool:
        """Count a failed sign-in from `source` (an address); False where there were too many in a minute."""
        from limits import RateLimitItemPerMinute

        with self._reached():
            item = RateLimitItemPerMinute(self._settings.failures_per_minute)
            return self._moving.hit(item, self._prefix, "failures", source)

    def _admit(self, who: Who, held: list[tuple[str, str]]) -> None:
        from limits import RateLimitItemPerMinute

        self.require(who, ("rows", "tokens", "cost"))
        limit = who.limit
        if limit.concurrent:
            key = f"{self._prefix}:places:{who.kind}:{who.name}"
            place = self._places.take(key, limit.concurrent)
            if not place:
                raise LimitError(
                    f"more than {limit.concurrent} requests of this {who.kind} at a time", hint="wait for one to end"
                )
            held.append((key, place))
        if limit.requests_per_minute:
            item = RateLimitItemPerMinute(limit.requests_per_minute)
            if not self._moving.hit(item, self._prefix, "requests", who.kind, who.name):
                raise self._too_many(
                    self._moving, item, who, "requests", f"{limit.requests_per_minute:,} requests a minute"
                )

    def require(self, who: Who, kinds: Sequence[str]) -> None:
        """Raises `LimitError` where one of the counters `kinds` (rows, tokens, cost) is at its limit."""
        for kind in kinds:
            item = _item(who.limit, kind)
            if item is not None and not self._fixed.test(item, self._prefix, kind, who.kind, who.name):
                raise self._too_many(self._fixed, item, who, kind, _said(who.limit, kind))

    def spend(self, who: Who, kind: str, amount: int) -> None:
        """Add to a counter; nothing where it has no limit."""
        item = _item(who.limit, kind)
        if item is not None and amount > 0:
            with self._reached():
                self._fixed.hit(item, self._prefix, kind, who.kind, who.name, cost=amount)

    def _too_many(self, limiter: Any, item: RateLimitItem, who: Who, kind: str, said: str) -> LimitError:
        ends = limiter.get_window_stats(item, self._prefix, kind, who.kind, who.name).reset_time
        wait = max(1, math.ceil(ends - time.time()))
        return LimitError(f"this {who.kind} has used its {said}", hint=f"try again in {wait} s", retry_after=wait)

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except self._failures as error:
            raise StorageError(f"the counters of the limits do not answer: {error}") from error


class Meter:
    """Implements `index.usage.Usage` for one request."""

    def __init__(self, limits: Limits, client: str, who: Sequence[Who]) -> None:
        self._limits, self.client, self._who = limits, client, who

    def require(self) -> None:
        """Raises `LimitError` where tokens or cost are used up."""
        for who in self._who:
            self._limits.require(who, ("tokens", "cost"))

    def spend(self, *, rows: int = 0, tokens: int = 0, cost: float = 0.0) -> None:
        """Count for the user and the client."""
        for who in self._who:
            for kind, amount in (("rows", rows), ("tokens", tokens), ("cost", math.ceil(cost * MICRO))):
                self._limits.spend(who, kind, amount)


def _local_counters() -> Any:
    """Counters in this process that forget what is over in the thread of a request, once a second; the library starts
    a thread for it with nearly every one."""
    from limits.storage import MemoryStorage

    class Counters(MemoryStorage):
        forgot = 0.0

        def _MemoryStorage__schedule_expiry(self) -> None:  # noqa: N802  # the library's private name, spelled out
            if time.monotonic() - self.forgot >= 1:
                self.forgot = time.monotonic()
                MemoryStorage._MemoryStorage__expire_events(self)  # type: ignore[attr-defined]

    return Counters()


def _item(limit: LimitSettings, kind: str) -> RateLimitItem | None:
    from limits import RateLimitItemPerDay, RateLimitItemPerHour

    if kind == "rows":
        return RateLimitItemPerHour(limit.rows_per_hour) if limit.rows_per_hour else None
    most = limit.tokens_per_day if kind == "tokens" else math.ceil(limit.cost_per_day * MICRO)
    return RateLimitItemPerDay(most) if most else None


def _said(limit: LimitSettings, kind: str) -> str:
    words = {
        "rows": f"{limit.rows_per_hour:,} rows an hour",
        "tokens": f"{limit.tokens_per_day:,} tokens a day",
        "cost": f"{limit.cost_per_day:g} of cost a day",
    }
    return words[kind]
