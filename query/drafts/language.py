"""Which language a letter is written in: the recipient's, where the data says it and a template speaks it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from query.evidence import TableEvidence
from query.facts import value_of

ENGLISH = "en"
LANGUAGE_COLUMNS = ("language", "preferred_language", "locale", "language_code")
COUNTRY_COLUMNS = ("country", "country_code", "billing_country")
_COUNTRIES = {
    "de": "germany deutschland de deu austria österreich oesterreich at aut liechtenstein li lie",
    "fr": "france fr fra monaco mc mco",
}  # countries of several languages (Switzerland, Belgium, Canada) say nothing about a reader
_OF_COUNTRY = {name: language for language, names in _COUNTRIES.items() for name in names.split()}
_NAMES = {"german": "de", "deutsch": "de", "french": "fr", "français": "fr", "francais": "fr", "english": "en"}
_WORDS = {
    "de": "der die das und ist nicht ein eine mit für wir sie den dem des auf zu von werden",
    "fr": "le la les et est pas un une avec pour nous vous des du de sur dans sont au",
    "en": "the and is not a an with for we you of on to from are in this that will",
}
_SPOKEN = {language: frozenset(words.split()) for language, words in _WORDS.items()}


def language_of(facts: Mapping[str, TableEvidence], *, by_country: bool) -> str:
    """The language code that the facts about a recipient state, or with `by_country` that their country suggests; empty
    where they give none."""
    sought = [(LANGUAGE_COLUMNS, _code), *([(COUNTRY_COLUMNS, _of_country)] if by_country else [])]
    for columns, read in sought:
        for fact in facts:
            for column in columns:
                value = value_of(facts, fact, column)
                if isinstance(value, str) and (found := read(value)):
                    return found
    return ""


def _code(value: str) -> str:
    word = value.strip().casefold()
    if word in _NAMES:
        return _NAMES[word]
    return word[:2] if re.fullmatch(r"[a-z]{2}(?:[-_][a-z]{2})?", word) else ""


def _of_country(value: str) -> str:
    return _OF_COUNTRY.get(value.strip().casefold(), "")


def spoken(text: str) -> str:
    """The language that a sentence is written in, by its small words; English where it has none of them."""
    words = re.findall(r"\w+", text.casefold())
    counts = {language: sum(word in known for word in words) for language, known in _SPOKEN.items()}
    best = max(counts, key=lambda language: (counts[language], language == ENGLISH))
    return best if counts[best] else ENGLISH
