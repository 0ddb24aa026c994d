"""Sentences to Markdown with [n] marks, and the citations that the marks lead to, numbered from 1 in reading order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from query.evidence import Citation, Sentence, Slot


def number(sentences: Iterable[Sentence], more: Iterable[Citation] = ()) -> dict[int, Citation]:
    """The citations of `sentences`, then `more`, by their old number, renumbered in order of first use."""
    used: dict[int, Citation] = {}
    for citation in [*(c for s in sentences for c in s.citations()), *more]:
        if citation.n not in used:
            used[citation.n] = replace(citation, n=len(used) + 1)
    return used


def render(sentences: Sequence[Sentence], numbers: dict[int, Citation]) -> str:
    """Markdown of `sentences`; every block stands apart, rows of one table and bullets of one list together."""
    lines: list[str] = []
    last = ""
    for sentence in sentences:
        together = (last, sentence.block) in _JOINED
        if lines and not together:
            lines.append("")
        lines += _lines(sentence, numbers)
        last = sentence.block
    return "\n".join(lines).strip()


_JOINED = {("header", "row"), ("row", "row"), ("bullet", "bullet"), ("subbullet", "subbullet"), ("bullet", "subbullet"),
           ("subbullet", "bullet"), ("header", "header")}  # fmt: skip


def _lines(sentence: Sentence, numbers: dict[int, Citation]) -> list[str]:
    marks = _marks(sentence, numbers)
    text = "".join(part if isinstance(part, str) else _slot(part, sentence.block) for part in sentence.parts)
    if sentence.block == "header":
        return [text, "|" + " --- |" * (text.count("|") - 1)]
    if sentence.block == "row":
        return [f"{text}{marks} |" if text.endswith("| ") else f"{text} {marks} |"]
    if sentence.block == "heading":
        return [f"### {text}{' ' + marks if marks else ''}"]
    if sentence.block == "quote":
        return [f"> {text} {marks}".rstrip()]
    prefix = {"bullet": "- ", "subbullet": "  - "}.get(sentence.block, "")
    return [f"{prefix}{_with_marks(text, marks)}"]


def _with_marks(text: str, marks: str) -> str:
    """Marks go before the full stop of the sentence they prove."""
    if not marks:
        return text
    end = text[-1:] if text[-1:] in ".?!:" else ""
    return f"{text[: len(text) - len(end)]} {marks}{end}"


def _marks(sentence: Sentence, numbers: dict[int, Citation]) -> str:
    return "".join(f"[{numbers[c.n].n}]" for c in sentence.citations() if c.n in numbers)


def _slot(slot: Slot, block: str) -> str:
    return slot.text.replace("|", "\\|") if block == "row" else slot.text
