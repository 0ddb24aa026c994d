"""A model's words for a letter: the running text between greeting and signature, with every slot where it was.

Lists, the greeting, the signature and letters in other languages than English stay as the template has them: what a
writer's words are checked for (denials, directions, names) is checked in English.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from query.compose.written import Written
from query.drafts.draft import Paragraph
from query.evidence import Sentence
from query.proof.prove import Prover

if TYPE_CHECKING:
    from query.parts import Writer


def reworded(
    body: Sequence[Paragraph], prover: Prover, writer: Writer | None, language: str
) -> tuple[tuple[Paragraph, ...], Written]:
    """`body` in the words of `writer` where they hold, and what it gave: its notices and what left for it."""
    told = [s for p in body if _running(p) for s in p.sentences]
    if writer is None or language != "en" or not told:
        return tuple(body), Written(tuple(told))
    written = writer.rewrite(told, prover)
    new = iter(written.sentences)
    made = [replace(p, sentences=tuple(next(new) for _ in p.sentences)) if _running(p) else p for p in body]
    return tuple(made), written


def _running(paragraph: Paragraph) -> bool:
    """True for a paragraph of prose that is no greeting."""
    return paragraph.block == "paragraph" and not _greets(paragraph.sentences[-1])


def _greets(sentence: Sentence) -> bool:
    return sentence.text().rstrip().endswith(",")
