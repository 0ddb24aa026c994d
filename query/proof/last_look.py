"""The last look at an answer's finished text: checked once more against its citations, whoever wrote it.

Sentences were proven while they were values; this reads what was made of them (marks, Markdown, a model's words) as a
reader would. A line in which something has no source is taken out, visibly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from query.evidence import Citation
from query.names import NameDictionary
from query.proof.text_check import Finding, TextCheck

NOTHING_LEFT = "Nothing that was written could be proven."


@dataclass(frozen=True)
class Looked:
    """The text as it may leave, and what to tell about the lines that were taken out."""

    text: str
    notices: tuple[str, ...] = ()


def last_look(
    text: str, citations: Mapping[int, Citation], names: NameDictionary | None = None, stated: Sequence[str] = ()
) -> Looked:
    """`text` (Markdown with `[n]` marks) without the lines that `citations` do not prove. `names` may not stand without
    a citation; `stated` are phrases that may be repeated. One pass over a text that holds."""
    check = TextCheck(citations, names, stated=stated)
    if not _findings(check, text):
        return Looked(text)
    kept: list[str] = []
    notices: dict[str, None] = {}
    for line in text.splitlines():
        found = _findings(check, line)
        if found:
            notices[f"A line was left out in the last check: {found[0].message}."] = None
        else:
            kept.append(line)
    return Looked("\n".join(kept).strip() or NOTHING_LEFT, tuple(notices))


def _findings(check: TextCheck, text: str) -> list[Finding]:
    """What does not hold; characters that do not show are taken out of quotations later (`addresses.cleaned`)."""
    return [finding for finding in check.body(text) if finding.code != "invisible"]
