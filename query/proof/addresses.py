"""Markdown whose links and pictures lead only where a source of ours leads: the last look at a text before it leaves.

What others wrote (a ticket, an e-mail, a file) is quoted in answers, and a model may have written what it was told
there to write. A link carries data out as soon as somebody clicks it, a picture without a click. So the text is parsed,
and every address that was not allowed is taken out of the tree; the words stay. Raw HTML and invisible characters go.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from index.masking.invisible import visible

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

REMOVED = "(address removed)"
_SCHEMES = r"https?|ftps?|wss?|file|data|javascript|vbscript|blob|mailto|tel|sms|ssh|git|smb|ldap"
# A bare address becomes a link in many readers. Taken too much rather than too little: up to the next white space.
_BARE = re.compile(
    rf"(?:\b(?:{_SCHEMES}):(?=\S)|\bwww\.(?=\S)|(?<![\w:/])//(?=[\w.-]+\.[a-z]{{2,}}))[^\s<>|\"'`]*", re.I
)
_SPACED = re.compile(rf"\b(?:{_SCHEMES})\s*:\s*/\s*/\s*\S*", re.I)
_DEFINITION = re.compile(r"^[ >\t]{0,12}\[(?:[^\]\\]|\\.){1,999}\]:", re.M)
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_SPECIAL = re.compile(r"(\[\d{1,4}\](?![(\[:]))|([\\`*_\[\]<>~])")  # a mark such as [1] stays a mark
_END = ".,;:!?)]}”’»"


@dataclass(frozen=True)
class Cleaned:
    """`text` as it may leave, and the addresses that were taken out of it."""

    text: str
    removed: tuple[str, ...] = ()


def cleaned(text: str, allowed: Collection[str] = ()) -> Cleaned:
    """`text` (Markdown) with no link, picture or bare address but those to `allowed`, letter by letter.

    A text without any comes back as it was, but for characters that do not show.
    """
    shown = visible(text).text
    removed = list(dict.fromkeys(_foreign(shown, allowed)))
    if not removed:
        return Cleaned(shown)
    made = _without(shown, allowed)
    if any(_foreign(made, allowed)):  # whatever was not taken out block by block goes as plain words
        made = _plain_words(shown)
    return Cleaned(made, tuple(removed))


def address_notices(removed: Collection[str]) -> list[str]:
    """What to tell about addresses that were taken out; they are not repeated."""
    count = len(set(removed))
    if not count:
        return []
    what = "An address that others wrote into the data was" if count == 1 else f"{count} addresses of others were"
    return [f"{what} taken out of the text; the sources show the original."]


def foreign_addresses(text: str, allowed: Collection[str] = ()) -> tuple[str, ...]:
    """The addresses in `text` that `cleaned` would take out, in order."""
    return tuple(dict.fromkeys(_foreign(visible(text).text, allowed)))


def _foreign(text: str, allowed: Collection[str]) -> Iterator[str]:
    """Addresses of links, pictures and HTML in the tree, and bare ones in its words."""
    environment: dict[str, object] = {}
    for token in _flat(_parser().parse(text, environment)):
        if token.type in ("link_open", "image"):
            address = str(token.attrs.get("href") or token.attrs.get("src") or "")
            if address not in allowed:
                yield address or REMOVED
        elif token.type in ("html_block", "html_inline"):
            yield token.content.strip()
        elif token.type in ("text", "code_inline", "code_block", "fence"):
            yield from (bare for bare in _bare(token.content) if bare not in allowed)
    references = environment.get("references")
    for definition in references.values() if isinstance(references, dict) else ():
        if definition["href"] not in allowed:
            yield definition["href"]


def _bare(text: str) -> Iterator[str]:
    for match in _BARE.finditer(text):
        yield match[0].rstrip(_END)
    for match in _SPACED.finditer(text):
        if not _BARE.match(match[0]):
            yield match[0]


_parsers = threading.local()  # putting one together takes longer than reading an answer with it


def _parser() -> MarkdownIt:
    parser: MarkdownIt | None = getattr(_parsers, "held", None)
    if parser is None:
        from markdown_it import MarkdownIt

        parser = _parsers.held = MarkdownIt("commonmark").enable("table")
        parser.validateLink = _any_address  # type: ignore[method-assign]
    return parser


def _any_address(url: str) -> bool:
    """Every address counts as one, so that the tree shows the bad ones, too."""
    return url is not None


def _flat(tokens: Sequence[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        if token.children:
            yield from _flat(token.children)


# --- taking out ------------------------------------------------------------------------------------------------------


def _without(text: str, allowed: Collection[str]) -> str:
    """Each block that holds a foreign address, written again without it."""
    lines = text.split("\n")
    for token in _parser().parse(text):
        if token.map is None:
            continue
        first, last = token.map[0], min(token.map[1], len(lines))
        if token.type == "html_block":
            lines[first:last] = [_TAG.sub("&lt;", _words(line, allowed)) for line in lines[first:last]]
        elif token.type in ("fence", "code_block"):
            lines[first:last] = [_words(line, allowed) for line in lines[first:last]]
        elif token.type == "inline" and any(_foreign(token.content, allowed)):
            _replace(lines, first, token.content, _inline(token.children or [], allowed))
    return _DEFINITION.sub(lambda match: match[0].replace("[", "\\["), "\n".join(lines))


def _replace(lines: list[str], first: int, old: str, new: str) -> None:
    """Put the new words of a block where its old ones stand, behind the marks of lists and quotes."""
    before, after = old.split("\n"), new.split("\n")
    after += [""] * (len(before) - len(after))
    for at, (was, now) in enumerate(zip(before, after, strict=False), first):
        if at < len(lines) and was and was in lines[at]:
            start = lines[at].rfind(was)
            lines[at] = lines[at][:start] + now + lines[at][start + len(was) :]


def _inline(tokens: Sequence[Token], allowed: Collection[str]) -> str:
    """Inline Markdown of parsed tokens: foreign links as their words, foreign pictures as their description."""
    parts: list[str] = []
    closing: list[str] = []
    for token in tokens:
        kind = token.type
        if kind == "text" or kind == "text_special":
            parts.append(_spelled(_words(token.content, allowed)))
        elif kind == "code_inline":
            parts.append(f"{token.markup}{_words(token.content, allowed)}{token.markup}")
        elif kind == "link_open":
            address = str(token.attrs.get("href") or "")
            kept = address in allowed
            parts.append("[" if kept else "")
            closing.append(f"](<{address}>)" if kept else "")
        elif kind == "link_close":
            parts.append(closing.pop() if closing else "")
        elif kind == "image":
            address, words = str(token.attrs.get("src") or ""), _spelled(_words(token.content, allowed))
            parts.append(f"![{words}](<{address}>)" if address in allowed else words)
        elif kind in ("softbreak", "hardbreak"):
            parts.append("\n")
        elif kind != "html_inline":
            parts.append(token.markup)
    return "".join(parts)


def _words(text: str, allowed: Collection[str]) -> str:
    def replaced(match: re.Match[str]) -> str:
        address = match[0].rstrip(_END)
        return match[0] if address in allowed else REMOVED + match[0][len(address) :]

    return _SPACED.sub(lambda match: match[0] if match[0] in allowed else REMOVED, _BARE.sub(replaced, text))


def _plain_words(text: str) -> str:
    """The text with everything that could mean something to a reader of Markdown spelled out."""
    return _spelled(_SPACED.sub(REMOVED, _BARE.sub(REMOVED, text)).replace("&", "&amp;").replace("<", "("))


def _spelled(words: str) -> str:
    """Words in which nothing means something to a reader of Markdown, but for marks."""
    return _SPECIAL.sub(lambda match: match[1] or "\\" + match[2], words)
