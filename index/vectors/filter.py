"""Policy and question as one filter, as data: what every vector engine's gateway renders in its engine's words.

Also what the gateways share of a point: the names of its vectors, the payload fields that are indexed, its id.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from index.scope import Scope
from index.vectors.gateway import Narrow, matches

log = logging.getLogger(__name__)

DENSE, SPARSE = "dense", "keywords"
KEYWORD_FIELDS = ("tags", "entities", "source", "doc_id")
DATE_FIELD = "date"
_NAMESPACE = uuid.UUID("5c1f3a52-6a0e-5d0b-9a43-1c6f6d1f0b7e")


@dataclass(frozen=True)
class AnyOf:
    """The field holds at least one of `values`."""

    field: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Empty:
    """The field holds nothing."""

    field: str


@dataclass(frozen=True)
class Period:
    """The field is a day from `since` to `until`, both included; an empty text is no bound."""

    field: str
    since: str
    until: str


@dataclass(frozen=True)
class About:
    """The document is about nothing outside `allowed` (`entity:key`), or carries one of the `unconditional` tags."""

    allowed: tuple[str, ...]
    unconditional: tuple[str, ...]


Part = AnyOf | Empty | Period | About


def parts(scope: Scope, narrow: Narrow) -> tuple[Part, ...]:
    """What must hold, all of it. Policy is an allow-list and comes first; `narrow` can only take away."""
    must: list[Part] = [AnyOf("tags", tuple(sorted(scope.tags)))]
    if scope.follows:
        must.append(About(tuple(sorted(scope.about)), tuple(sorted(scope.unconditional))))
    if narrow.sources:
        must.append(AnyOf("source", narrow.sources))
    if narrow.entities is not None:
        must.append(AnyOf("entities", narrow.entities))
    if narrow.general:
        must.append(Empty("entities"))
    if narrow.doc_ids is not None:
        must.append(AnyOf("doc_id", narrow.doc_ids))
    if narrow.since or narrow.until:
        must.append(Period(DATE_FIELD, narrow.since[:10], narrow.until[:10]))
    return tuple(must)


def admitted(payload: Mapping[str, Any], scope: Scope, narrow: Narrow) -> bool:
    """True for a point that may leave, whatever the engine says."""
    if matches(payload, scope, narrow):
        return True
    log.error("the vector engine returned a point outside the filter: %s", payload.get("chunk_id"))
    return False


def point_id(chunk_id: str) -> str:
    """The engine's id of a chunk."""
    return str(uuid.uuid5(_NAMESPACE, chunk_id))
