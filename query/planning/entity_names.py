"""Names of entities in a question: "Nordwand Alpin AG" is one account, "Nordwand" alone may be several."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from index.catalogue.model import Catalogue
from index.errors import SqlRejected
from index.guard.guard import guard
from index.scope import Scope
from index.sql import SqlReader
from query.text2sql.thesaurus import FUNCTION_WORDS

MOST_NAMES = 100_000
MOST_MEANT = 8  # a word that begins more names than this is not meant as a name
_TOKEN = re.compile(r"\w+(?:[-'’]\w+)*", re.UNICODE)


@dataclass(frozen=True)
class Named:
    """An entity by key and name."""

    entity: str
    key: str
    name: str


@dataclass(frozen=True)
class Mention:
    """Characters `start` to `end` of a question name one entity, or one of several; `whole` when in full."""

    start: int
    end: int
    meant: tuple[Named, ...]
    whole: bool


class EntityNames:
    """Finds the entities that a question names, among those that one scope shows."""

    def __init__(self, catalogue: Catalogue, reader: SqlReader, scope: Scope) -> None:
        self._by_first: dict[str, list[tuple[tuple[str, ...], Named]]] = defaultdict(list)
        self._keys: dict[str, Named] = {}
        self._contacted = {entity.name for entity in catalogue.entities if entity.contact}
        for entity in catalogue.entities:
            columns = f'"{entity.key}", "{entity.name_column}"'
            try:
                query = guard(
                    f'SELECT {columns} FROM "{entity.table}"',
                    catalogue,
                    scope,
                    dialect=reader.dialect,
                    limit=MOST_NAMES,
                )
            except SqlRejected:
                continue  # hidden from this scope
            self._add(Named(entity.name, str(k), str(n)) for k, n in reader.read(query).rows if k is not None and n)

    def _add(self, found: Iterable[Named]) -> None:
        for named in found:
            tokens = tuple(fold(t) for t in _TOKEN.findall(named.name))
            if tokens:
                self._by_first[tokens[0]].append((tokens, named))
            if not named.key.isdigit():
                self._keys[fold(named.key)] = named

    def find(self, question: str) -> tuple[Mention, ...]:
        """The mentions in order, longest first, none inside another.

        A part of a name counts when it is capitalised and begins the names of a few entities that have contacts
        (companies and people are called by the first part of their name, things are not).
        """
        found: list[Mention] = []
        words = list(_TOKEN.finditer(question))
        at = 0
        while at < len(words):
            mention, used = self._at(question, words, at)
            if mention is not None:
                found.append(mention)
            at += max(1, used)
        return tuple(found)

    def _at(self, question: str, words: list[re.Match[str]], at: int) -> tuple[Mention | None, int]:
        first = words[at]
        key = self._keys.get(fold(first.group()))
        if key is not None:
            return Mention(first.start(), first.end(), (key,), True), 1
        best, longest, whole = [], 0, False
        for tokens, named in self._by_first.get(fold(first.group()), ()):
            length = _shared(tokens, words, at)
            complete = length == len(tokens)
            if (length, complete) > (longest, whole):
                best, longest, whole = [named], length, complete
            elif (length, complete) == (longest, whole):
                best.append(named)
        said = {fold(word.group()) for word in words[at : at + longest]}
        if not best or said <= FUNCTION_WORDS or (not whole and not self._partial(first.group(), best, longest)):
            return None, 0
        return Mention(first.start(), words[at + longest - 1].end(), tuple(best), whole), longest

    def _partial(self, word: str, meant: list[Named], length: int) -> bool:
        called = all(named.entity in self._contacted for named in meant)
        return word[:1].isupper() and len(meant) <= MOST_MEANT and (called or length > 1) and len(word) > 3


def fold(text: str) -> str:
    """`text` in lower case and without accents."""
    return "".join(c for c in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(c))


def _shared(tokens: tuple[str, ...], words: list[re.Match[str]], at: int) -> int:
    """How many tokens of a name stand in the question from word `at` on; a trailing 's does not count."""
    length = 0
    for token, word in zip(tokens, words[at:], strict=False):
        if fold(word.group()).removesuffix("'s").removesuffix("’s") != token:
            break
        length += 1
    return length
