"""The value index: which words of a question are stored in which column. Read once, through the guard."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass

from rapidfuzz import fuzz, process

from index.catalogue.model import Catalogue, Column, Table
from index.errors import TowerError
from index.guard.guard import guard
from index.scope import Scope
from index.sql import SqlReader
from query.text2sql.thesaurus import VALUE_WORDS
from query.text2sql.tokens import stem, value_key

DISTINCT_LIMIT = 20_000
LONG_TEXT = 120
LONG_KEY_WORDS = 12
FEW_ROWS = 2_000
CODES_KEPT = 1_000
_NOUN_ENDINGS = ("nce", "ion", "ment", "ity", "ness", "ncy")


@dataclass(frozen=True)
class StoredValue:
    """A value as it is stored in `table.column`. `few` is true where the column has few distinct values."""

    table: str
    column: str
    literal: str
    few: bool


class ValueIndex:
    """Finds stored values by the words of a question. It holds only what `scope` shows unmasked."""

    def __init__(self, catalogue: Catalogue, reader: SqlReader, scope: Scope) -> None:
        self._catalogue, self._reader, self._scope = catalogue, reader, scope
        self._exact: dict[str, list[StoredValue]] = defaultdict(list)
        self._stems: dict[str, list[StoredValue]] = defaultdict(list)
        self._names: dict[str, None] = {}
        self._partial: dict[str, list[str]] = {}
        self._codes: list[tuple[str, str]] = []
        self._looked_up: dict[str, list[StoredValue]] = {}
        self._referring = {(j.left, c) for j in catalogue.joins for c in j.left_columns if len(j.left_columns) == 1}
        for table in catalogue.tables:
            shown = scope.tables.get(table.name)
            for column in table.columns if shown is not None else ():
                if shown is not None and shown.columns.get(column.name) == "visible":
                    self._add(table, column)
        self._keys = list(self._names)
        self._longest = max((key.count(" ") + 1 for key in self._exact), default=0)

    @property
    def longest(self) -> int:
        """The most words that a stored value has."""
        return min(self._longest, LONG_KEY_WORDS)

    def exact(self, key: str) -> list[StoredValue]:
        """The stored values whose `value_key` is `key`."""
        return self._exact.get(key, [])

    def code(self, text: str) -> list[StoredValue]:
        """The keys that are exactly `text` ("ORD-000339"), in tables whose keys are too many to be held here."""
        if text not in self._looked_up:
            found = []
            for table, column in self._codes:
                quoted, source, wanted = _quoted(column), _quoted(table), text.replace("'", "''")
                sql = f"SELECT {quoted} FROM {source} WHERE {quoted} IN ('{wanted}', '{wanted.upper()}') LIMIT 1"
                found += [StoredValue(table, column, value, False) for value in self._texts(sql)]
            if len(self._looked_up) > CODES_KEPT:
                self._looked_up.clear()
            self._looked_up[text] = found
        return self._looked_up[text]

    def stemmed(self, words: tuple[str, ...]) -> list[StoredValue]:
        """Values of columns with few values, whose stems are those of `words` ("dogs" finds "dog")."""
        found = self._stems.get(" ".join(stem(w) for w in words), [])
        return [v for v in found if not _derived(words, tuple(re.findall(r"\w+", v.literal.lower())))]

    def close(self, text: str, least: float = 86.0) -> list[StoredValue]:
        """The stored names that are nearly `text`: a slip of the keyboard; empty when nothing is that near."""
        key = value_key(text)
        if len(key) < 4 or not self._keys:
            return []
        hits = process.extract(key, self._keys, scorer=fuzz.ratio, score_cutoff=least, limit=1)
        return [value for name, _, _ in hits for value in self._exact[name]]

    def within(self, text: str) -> list[StoredValue]:
        """The stored names that hold `text` as whole words ("Acme" finds "Acme Sports Ltd"), when few do."""
        key = value_key(text)
        if len(key) < 3:
            return []
        if not self._partial:
            self._partial = self._words()
        first, *rest = key.split(" ")
        names = self._partial.get(first, [])
        found = [name for name in names if f" {key} " in f" {name} "] if rest else names
        return [value for name in found[:5] for value in self._exact[name]] if 0 < len(found) <= 5 else []

    def kinds(self, word: str) -> list[StoredValue]:
        """The values of columns with few values that hold `word` and more words ("Head of Purchasing"), when few do."""
        found = [v for key, values in self._exact.items() if word in key.split(" ")[1:] for v in values if v.few]
        return found if len(found) <= 5 else []

    def containing(self, word: str) -> list[StoredValue]:
        """For each column of names, the pattern `%word%` when names hold `word` (or its singular) as a word."""
        if not self._partial:
            self._partial = self._words()
        for form in (word, word[:-1] if word.endswith("s") else word, word[:-2] if word.endswith("es") else word):
            names = self._partial.get(form, [])
            if len(names) >= 2:
                columns = {(v.table, v.column) for name in names[:200] for v in self._exact[name] if not v.few}
                return [StoredValue(t, c, f"%{form}%", False) for t, c in sorted(columns)]
        return []

    def _words(self) -> dict[str, list[str]]:
        words: dict[str, list[str]] = defaultdict(list)
        for name in self._names:
            for word in set(name.split(" ")):
                words[word].append(name)
        return words

    def _add(self, table: Table, column: Column) -> None:
        if column.values:
            for literal in column.values:
                synonyms = (*column.value_synonyms.get(literal, ()), *_words_for(literal, column.values))
                self._put(StoredValue(table.name, column.name, literal, True), synonyms)
            return
        if column.type != "text" or column.role in ("text", "image"):
            return
        if column.role == "reference" and (table.name, column.name) in self._referring:
            return  # its values are the keys of the table that it refers to
        if column.role == "key" and self._catalogue.entity_of(table.name) is None and self._many(table):
            self._codes.append((table.name, column.name))
            return
        quoted = _quoted(column.name)
        sql = f"SELECT DISTINCT {quoted} FROM {_quoted(table.name)} WHERE {quoted} IS NOT NULL LIMIT {DISTINCT_LIMIT}"
        rows = self._texts(sql)
        if rows and sum(len(r) for r in rows[:200]) / len(rows[:200]) > LONG_TEXT:
            return
        few = len(rows) <= 200
        for literal in rows:
            self._put(StoredValue(table.name, column.name, literal, few), column.value_synonyms.get(literal, ()))
            if column.role not in ("key", "reference") and not literal.isdigit():
                self._names[value_key(literal)] = None

    def _many(self, table: Table) -> bool:
        """True for a table with many rows; a catalogue written by hand does not say how many there are."""
        if table.rows:
            return table.rows > FEW_ROWS
        counted = self._texts(f"SELECT COUNT(*) FROM {_quoted(table.name)}")
        return bool(counted) and int(counted[0]) > FEW_ROWS

    def _texts(self, sql: str) -> list[str]:
        """The first column of a query. A table that cannot be read has no values: the question's own query says why."""
        try:
            query = guard(sql, self._catalogue, self._scope, dialect=self._reader.dialect, limit=DISTINCT_LIMIT)
            return [str(row[0]) for row in self._reader.read(query).rows if row[0] is not None]
        except TowerError:
            return []

    def _put(self, value: StoredValue, synonyms: tuple[str, ...]) -> None:
        if len(value.literal) > LONG_TEXT:
            return
        for text in (value.literal, *synonyms):
            key = value_key(text)
            if not key:
                continue
            self._exact[key].append(value)
            if value.few:
                stems = " ".join(stem(w) for w in re.findall(r"\w+", key))
                if stems != key or len(stems) > 3:
                    self._stems[stems].append(value)


def _derived(said: tuple[str, ...], stored: tuple[str, ...]) -> bool:
    """True where a stored noun is only made from the word that is said: "provides" does not mean "Providence"."""
    for one, other in zip(said, stored, strict=False):
        if one != other and other.endswith(_NOUN_ENDINGS) and not one.rstrip("s").endswith(_NOUN_ENDINGS):
            return True
    return False


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _words_for(literal: str, values: tuple[str, ...]) -> tuple[str, ...]:
    """Words for a stored letter ("F" is "female"), when the column holds only such letters."""
    held = {v.lower() for v in values if v}
    for row in VALUE_WORDS:
        if held <= set(row):
            return row.get(literal.lower(), ())
    return ()
