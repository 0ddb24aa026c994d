"""`Idempotency-Key`: a request that was sent twice is done once.

What is kept of the first one is the id of what it made (an answer, a job), never its contents: a repetition reads that
again, for its caller, under the policy of now. Kept for a day, by the servers that share a shelf together; see the
IETF's draft "The Idempotency-Key HTTP Header Field" (draft-ietf-httpapi-idempotency-key-header) for the header.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from api.access.shelf import LocalShelf, Shelf
from index.errors import BusyError, UsageError

MAX_KEY = 200  # characters
KEPT_S = 24 * 3600.0
KEPT = 100_000  # keys; the oldest go first
LONGEST_S = 900.0  # that a first request may take; should its server die, the key is free again afterwards


class Repeats:
    """Keys, and the ids of what their requests made, on `shelf`."""

    def __init__(self, shelf: Shelf | None = None) -> None:
        self._shelf = shelf if shelf is not None else LocalShelf(KEPT)

    def once(self, principal: str, route: str, key: str, body: Mapping[str, Any], make: Callable[[], str]) -> str:
        """The id of what `make` made with this key's first request; an empty key always makes.

        A key that came with another body is a `UsageError`, one whose first request is not done yet a `BusyError`. A
        request that failed made nothing, and may be sent again.
        """
        if not key:
            return make()
        name, fingerprint = json.dumps(["repeat", principal, route, key]), _fingerprint(body)
        known = self._shelf.add(name, json.dumps([fingerprint, ""]), LONGEST_S)
        if known is not None:
            return _repeated(known, fingerprint)
        try:
            made = make()
        except BaseException:
            self._shelf.take(name)
            raise
        self._shelf.put(name, json.dumps([fingerprint, made]), KEPT_S)
        return made


def _repeated(known: str, fingerprint: str) -> str:
    asked, made = json.loads(known)
    if asked != fingerprint:
        raise UsageError("this Idempotency-Key came with another request", hint="take a new key for each request")
    if not made:
        raise BusyError("the first request with this Idempotency-Key is being answered", hint="wait, then repeat it")
    return str(made)


def _fingerprint(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True, default=str).encode()).hexdigest()
