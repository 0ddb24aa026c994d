"""`Idempotency-Key`: a request that was sent twice is done once.

What is kept of the first one is the id of what it made (an answer, a job), never its contents: a repetition reads that
again, for its caller, under the policy of now. Kept in this process, for a day; see the IETF's draft "The
Idempotency-Key HTTP Header Field" (draft-ietf-httpapi-idempotency-key-header) for the header.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from index.errors import BusyError, UsageError

MAX_KEY = 200  # characters
KEPT_S = 24 * 3600.0
KEPT = 100_000  # keys; the oldest go first


@dataclass
class _Entry:
    fingerprint: str
    since: float
    made: str = ""  # the id; empty while the first request is being answered


class Repeats:
    """The keys of one server, and the ids of what their requests made."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._entries: OrderedDict[tuple[str, str, str], _Entry] = OrderedDict()
        self._mutex = threading.Lock()

    def once(self, principal: str, route: str, key: str, body: Mapping[str, Any], make: Callable[[], str]) -> str:
        """The id of what `make` made with this key's first request; an empty key always makes.

        A key that came with another body is a `UsageError`, one whose first request is not done yet a `BusyError`. A
        request that failed made nothing, and may be sent again.
        """
        if not key:
            return make()
        place, entry = (principal, route, key), _Entry(_fingerprint(body), self._clock())
        with self._mutex:
            self._tidy()
            known = self._entries.setdefault(place, entry)
        if known is not entry:
            return _repeated(known, entry)
        try:
            entry.made = make()
        finally:
            if not entry.made:
                with self._mutex:
                    self._entries.pop(place, None)
        return entry.made

    def _tidy(self) -> None:
        oldest = self._clock() - KEPT_S
        while self._entries and (len(self._entries) > KEPT or next(iter(self._entries.values())).since < oldest):
            self._entries.popitem(last=False)


def _repeated(known: _Entry, entry: _Entry) -> str:
    if known.fingerprint != entry.fingerprint:
        raise UsageError("this Idempotency-Key came with another request", hint="take a new key for each request")
    if not known.made:
        raise BusyError("the first request with this Idempotency-Key is being answered", hint="wait, then repeat it")
    return known.made


def _fingerprint(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True, default=str).encode()).hexdigest()
