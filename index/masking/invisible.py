"""Invisible characters taken out of a text, with a way back from its offsets to the given text's."""

from __future__ import annotations

import re
from dataclasses import dataclass

# Zero-width and joining characters, soft hyphens, direction marks, variation selectors, tags: none of them shows, and
# each can be put into a name so that no dictionary knows it any more.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\U000e0000-\U000e0fff]+"
)


@dataclass(frozen=True)
class Visible:
    """`text` without invisible characters. `cuts` holds, for every place where some were taken out, the offset in
    `text` and how many were taken out up to there."""

    text: str
    cuts: tuple[tuple[int, int], ...] = ()

    def given(self, offset: int, *, end: bool = False) -> int:
        """The offset in the given text of an offset in `text`; an `end` stops before what was taken out there."""
        removed = 0
        for at, so_far in self.cuts:
            if at > offset or (end and at == offset):
                break
            removed = so_far
        return offset + removed


def visible(text: str) -> Visible:
    """`text` without what does not show.

    >>> visible("An" + chr(0x200B) + "na").text
    'Anna'
    """
    if text.isascii() or not _INVISIBLE.search(text):
        return Visible(text)
    parts, cuts, last, removed = [], [], 0, 0
    for match in _INVISIBLE.finditer(text):
        parts.append(text[last : match.start()])
        removed += match.end() - match.start()
        cuts.append((match.end() - removed, removed))
        last = match.end()
    parts.append(text[last:])
    return Visible("".join(parts), tuple(cuts))
