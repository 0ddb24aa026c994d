"""A span of text with the type of personal data that it is, and what to do where spans overlap."""

from __future__ import annotations

import bisect
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Span:
    """`text[start:end]` is personal data of `type` (PERSON, EMAIL_ADDRESS, ...: docs/masking.md lists them)."""

    start: int
    end: int
    type: str


def without_overlaps(ranked: Iterable[Iterable[Span]]) -> list[Span]:
    """The spans in order of place, none over another: an earlier group wins over a later, then the longer one.

    A span of a later group that reaches over the edge of an earlier one is cut to what is left of it outside, so
    that nothing that some rule found stays in the open.
    """
    taken: list[Span] = []
    for group in ranked:
        for span in sorted(group, key=lambda s: (s.start - s.end, s.start)):
            for rest in _outside(span, taken):
                bisect.insort(taken, rest)
    return taken


def _outside(span: Span, taken: list[Span]) -> list[Span]:
    start, rests = span.start, []
    at = bisect.bisect_left(taken, span.start, key=lambda s: s.end)
    for other in taken[at:]:
        if other.start >= span.end:
            break
        if other.end <= start:
            continue
        if other.start > start:
            rests.append(Span(start, other.start, span.type))
        start = max(start, other.end)
    if start < span.end:
        rests.append(Span(start, span.end, span.type))
    return rests
