"""When a passage is about a query at all, so that a join on passages keeps entities for a reason."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from index.documents import Passage

NEAR = 0.30  # cosine below which a passage is not about the query, whatever words it shares
SURE = 0.52  # cosine from which it is, whatever words it does not share
NEUTRAL = 0.75  # coverage of a question without a word of its own, which says neither yes nor no
_STOP = frozenset(
    "a an the of to in on for with about and or is are was were be been that this it its their our at by".split()
)


@dataclass(frozen=True)
class Nearness:
    """How near documents come to a question: the best cosine, and the share of its content words that the passages
    near it hold (a word that none of them holds is probably in no document). `vector` is the question's embedding by
    the model `embedder`, where there is one."""

    relevance: float = 0.0
    coverage: float = 0.0
    embedder: str = ""
    vector: NDArray[np.float32] | None = field(default=None, compare=False, repr=False)


def nearness(wanted: frozenset[str], passages: Sequence[Passage]) -> Nearness:
    """The nearness of `passages`, found for a question with the content stems `wanted`."""
    if not passages:
        return Nearness()
    best = max(p.relevance for p in passages)
    if not wanted:
        return Nearness(best, NEUTRAL)
    texts = [stems(f"{p.title} {p.heading} {p.text}") for p in passages]
    together = len(wanted & frozenset().union(*texts)) / len(wanted)
    single = max(len(wanted & text) for text in texts) / len(wanted)
    return Nearness(best, (together + single) / 2)


def relevant(query: str, passages: Sequence[Passage]) -> tuple[Passage, ...]:
    """The passages that are about `query`: near in meaning, and sharing its words unless they are very near. Of those
    that say the same, whose titles alone set them apart, all stay or none."""
    wanted = stems(query)
    said = {p.text for p in passages if p.relevance >= SURE or (p.relevance >= NEAR and _covers(wanted, p))}
    return tuple(p for p in passages if p.text in said)


def stems(text: str) -> frozenset[str]:
    """Content words of `text`, cut to a common stem."""
    import Stemmer

    words = [w for w in re.findall(r"[a-z0-9][a-z0-9'-]*", text.lower()) if w not in _STOP]
    return frozenset(Stemmer.Stemmer("english").stemWords(words))


def _covers(wanted: frozenset[str], passage: Passage) -> bool:
    return bool(wanted) and len(wanted & stems(f"{passage.title} {passage.text}")) >= 0.6 * len(wanted)
