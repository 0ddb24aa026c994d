"""Passages of a search in the public shape and as lines. Light, because the quickest command uses nothing else."""

from __future__ import annotations

TYPE_CHECKING = False  # typing is not loaded for the quickest command
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from index.documents import Passage


NOTHING_RELEVANT = "nothing relevant was found; what is nearest is likely to be there by chance"


def notices(passages: Sequence[Passage]) -> list[str]:
    """What there is to say about passages as a whole: that none of them is likely to be relevant."""
    return [NOTHING_RELEVANT] if passages and not any(p.likely for p in passages) else []


def hits_json(passages: Sequence[Passage]) -> list[dict[str, Any]]:
    """Passages in the public shape of a search."""
    return [
        {"doc_id": p.doc_id, "score": p.score, "text": p.text, "start": p.start, "end": p.end, "title": p.title}
        for p in passages
    ]


def search_json(query: str, passages: Sequence[Passage]) -> dict[str, Any]:
    """A search in the public shape."""
    return {"query": query, "hits": hits_json(passages), "notices": notices(passages)}


def hit_lines(passages: Sequence[Passage], said: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Passages, best first, as lines with their style, behind what is said about them."""
    yield from ((notice, "yellow") for notice in said)
    if not passages:
        yield "nothing found", ""
    for number, passage in enumerate(passages, 1):
        place = f"{passage.doc_id} [{passage.start}-{passage.end}]"
        yield f"{number}. {passage.title}  {passage.score:.3f}  {place}", "bold"
        yield "   " + " ".join(passage.text.split()), ""
