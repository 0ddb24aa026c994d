"""Text as it is stored: one line ending, composed characters, nothing invisible."""

from __future__ import annotations

import re
import unicodedata

# C0 and C1 controls except tab and newline, zero-width and direction marks, the tag block, surrogates, non-characters.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff"
    "\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)
_SPACES = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")


def clean(text: str) -> str:
    """`text` with `\\n` line endings, in Unicode NFC, without control and invisible characters."""
    if text.isascii() and text.isprintable():
        return text  # most texts, and nothing of what follows is in them
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    if text.isascii():
        return _INVISIBLE.sub("", text)
    return unicodedata.normalize("NFC", _SPACES.sub(" ", _INVISIBLE.sub("", text)))


def tidy(text: str) -> str:
    """`clean`, without spaces at line ends and with at most one empty line in a row."""
    text = re.sub(r"[ \t]+\n", "\n", clean(text))
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def one_line(text: str) -> str:
    """`text` on one line, with single spaces."""
    return " ".join(clean(text).split())
