"""How long something takes, in the words of the metrics that say so: "how long does it take to resolve tickets" and
"how quickly do we resolve them" ask for the time to resolve.

Tokens are put into another order; each keeps a place in the question, so that what a word is tied to covers the words
that asked for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from query.text2sql.tokens import Token, stem

_WE = r"(?:we|us|our|team|they|you|people|the)"
_DO = r"(?:do|does|did|will)"
_FAST = r"(?:quickly|fast|soon)"
# Over the words of a question, each with a space behind it; V is the verb, N what it is done to.
_FORMS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\bhow long {_DO} it (?:usually |typically )?take (?:(?:for )?{_WE} )*to (?P<V>\w+ )",
        rf"\bhow (?:long {_DO} {_WE} (?:usually |typically )?(?:take|need) to|{_FAST} {_DO} {_WE}) (?P<V>\w+ )",
        rf"\bhow long {_DO} (?P<N>(?:\w+ ){{1,4}}?)(?:take|need) to (?:be |get )?(?P<V>\w+ )",
        rf"\bhow {_FAST} (?:are|is|were|was) (?P<N>(?:\w+ ){{1,4}}?)(?P<V>\w+ed )",
        rf"\bhow long {_DO} (?:an? |the )?(?P<V>\w+ )take (?!to\b)",
    )
)
_USUAL = re.compile(r"\b(?:on average|usually|typically) ")  # an average is what they tell
_MOST = {
    **dict.fromkeys(("longest", "slowest"), "highest"),
    **dict.fromkeys(("shortest", "fastest", "quickest"), "lowest"),
}
MOST = frozenset(_MOST)


def how_long(tokens: Sequence[Token]) -> tuple[Token, ...]:
    """`tokens` with a question for how long something takes said as "time to ...", and "the longest" of it as the
    highest; the same tokens where nothing of it is asked."""
    return tuple(_ranked(_asked(tuple(tokens))))


def _asked(tokens: tuple[Token, ...]) -> tuple[Token, ...]:
    text = "".join(f"{re.sub(r'[^a-z]', '_', token.lower)} " for token in tokens)
    found = next((m for form in _FORMS if (m := form.search(text))), None)
    if found is None:
        return tokens
    place = partial(text.count, " ", 0)  # from a place in the text to the number of the word that begins there
    usual = _USUAL.search(text, found.end())
    if usual:
        tokens = (*tokens[: place(usual.start())], *tokens[place(usual.end()) :])
    first, last, verb = place(found.start()), place(found.end()), tokens[place(found.start("V"))]
    spent = (tokens[first].start, tokens[last - 1].end)
    named: tuple[Token, ...] = ()
    if "N" in found.groupdict():
        named = tokens[place(found.start("N")) : place(found.end("N"))]
        spent = (tokens[first].start, named[0].start)
    new = [Token(word, *spent, "word", word, stem(word)) for word in ("time", "to")]
    return (*tokens[:first], *new, replace(verb, start=spent[0], end=spent[1]), *named, *tokens[last:])


def _ranked(tokens: tuple[Token, ...]) -> Iterator[Token]:
    """ "The longest delivery time" is the highest."""
    for at, token in enumerate(tokens):
        word = _MOST.get(token.lower)
        near = {one.lower for one in tokens[at + 1 : at + 4]}
        yield replace(token, lower=word, stem=stem(word)) if word and near & {"time", "times"} else token
