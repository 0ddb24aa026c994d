"""Masking: spans of personal data replaced by pseudonyms of one request, and the way back."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from index.masking.fold import fold
from index.masking.invisible import visible
from index.masking.known import KnownPersons
from index.masking.names import persons
from index.masking.patterns import structured
from index.masking.places import addresses
from index.masking.spans import Span, without_overlaps

_FORM = r"<[A-Z_]{2,30}:[0-9a-z]{4,16}-\d{1,9}>"
_PSEUDONYM = re.compile(_FORM)
_ADDRESS = rf"(?:{_FORM}|[^\s<>\"'`])+"
# A pseudonym inside one of these stays: what a model wrote into an address must not fetch a real name there. The
# patterns take too much rather than too little; a Markdown link goes on to the last bracket of its line.
_LINKS = re.compile(
    r"!?\[(?:[^\]\n]|\n(?!\n)){0,300}\]\s{0,3}(?:\((?:[^\n]*\)|[^)]{0,1000}\))|\[[^\]\n]{0,500}\])"
    r"|^\s{0,3}\[[^\]\n]{1,500}\]:.*$"
    rf"|(?:{_FORM}[\w.-]{{0,63}}){{1,8}}\.[a-z]{{2,24}}/{_ADDRESS}"
    r"|<[a-z][a-z0-9+.-]{0,20}:[^>\n]*>"
    r"|\b(?:javascript|vbscript|data|file|blob):[^\n]*"
    r"|<(?:a|area|base|button|embed|form|iframe|img|input|link|meta|object|script|source|style|svg|video|audio)\b[^\n]*"
    rf"|(?:\b[a-z][a-z0-9+.-]{{1,20}}://|\b(?:mailto|tel|sms):|\bwww\.){_ADDRESS}"
    rf"|(?<![\w.-])(?:[\w-]{{1,63}}\.){{1,8}}[a-z]{{2,24}}(?:[:/?#]|{_FORM}){_ADDRESS}",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True)
class Masked:
    """`text` with pseudonyms; `spans` are offsets into the text that was given; `mapping` is pseudonym to what it
    stands for, and must not leave the process."""

    text: str
    spans: tuple[Span, ...]
    mapping: Mapping[str, str] = field(default_factory=dict, repr=False)


class Masker:
    """Finds and replaces personal data for one request: equal values get equal pseudonyms in all of its texts.

    `known` is the dictionary of the workspace's own persons. `guess_names` also looks for names that nobody told us.

    >>> masker = Masker(nonce="k3f9", guess_names=False)
    >>> masker.mask("Write to ann@example.com!").text
    'Write to <EMAIL_ADDRESS:k3f9-1>!'
    """

    def __init__(
        self, known: KnownPersons | None = None, *, nonce: str | None = None, guess_names: bool = True
    ) -> None:
        self._known = known
        self._guess_names = guess_names
        self._nonce = nonce or secrets.token_hex(4)
        self._pseudonyms: dict[tuple[str, str, int], str] = {}
        self._mapping: dict[str, str] = {}

    def find(self, text: str) -> tuple[Span, ...]:
        """The spans of personal data in `text`, in order, none over another; offsets into `text` as it was given."""
        seen = visible(text)
        spans = self._found(seen.text)
        if not seen.cuts:
            return tuple(spans)
        return tuple(Span(seen.given(s.start), seen.given(s.end, end=True), s.type) for s in spans)

    def _found(self, text: str) -> list[Span]:
        known = self._known.spans(text) if self._known is not None else []
        certain, numbered, likely = structured(text)
        guessed = persons(text) if self._guess_names else []
        # An address of mail or web is taken whole, before the names inside it.
        return without_overlaps([certain, known, numbered, likely, addresses(text), guessed])

    def mask(self, text: str) -> Masked:
        """`text` with every span replaced, and without characters that do not show."""
        spans = self.find(text)
        parts, last = [], 0
        for span in spans:
            parts.append(visible(text[last : span.start]).text)
            parts.append(self._pseudonym(span.type, visible(text[span.start : span.end]).text))
            last = span.end
        parts.append(visible(text[last:]).text)
        return Masked("".join(parts), spans, dict(self._mapping))

    def _pseudonym(self, kind: str, value: str) -> str:
        # The length is part of it, so that what was there can be counted from what is put back.
        key = (kind, " ".join(fold(word) for word in value.split()), len(value))
        if key not in self._pseudonyms:
            # The number is closed by `>`, so that no pseudonym begins another one.
            self._pseudonyms[key] = f"<{kind}:{self._nonce}-{len(self._pseudonyms) + 1}>"
            self._mapping[self._pseudonyms[key]] = value
        return self._pseudonyms[key]


def restore(text: str, mapping: Mapping[str, str]) -> str:
    """`text` with the pseudonyms of `mapping` put back in plain text; inside links and URLs they stay.

    >>> restore("Hi <PERSON:ab12-1>, see https://x.example/<PERSON:ab12-1>", {"<PERSON:ab12-1>": "Ann"})
    'Hi Ann, see https://x.example/<PERSON:ab12-1>'
    """
    parts, last = [], 0
    for link in _LINKS.finditer(text):
        if _PSEUDONYM.fullmatch(link[0]):  # a pseudonym by itself looks like a link in angle brackets
            continue
        parts += [_put_back(text[last : link.start()], mapping), link[0]]
        last = link.end()
    return "".join([*parts, _put_back(text[last:], mapping)])


def _put_back(text: str, mapping: Mapping[str, str]) -> str:
    return _PSEUDONYM.sub(lambda match: mapping.get(match[0], match[0]), text)
