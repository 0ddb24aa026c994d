"""Which entities a question speaks of, as a reading whose rows are those entities: key and name first."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from index.catalogue.model import Catalogue, Column, Entity
from index.vectors.keywords import terms
from query.plan import Choice, Link, Reading
from query.planning.entity_names import Mention, Named

DEFAULT_TOP = 10  # how many "our top customers" are
_TOP_MANY = re.compile(r"\b(top|best|biggest|largest|most important|key)\b", re.I)
_SIZE = re.compile(r"(?:biggest|largest)\b", re.I)
_MEASURED = re.compile(r"\bby\b|\bwith the (?:most|highest|largest)\b|\bmeasured\b|\bin terms of\b", re.I)

LIGHT_VERBS = frozenset(
    """provide provides provided offer offers offered deliver delivers delivered supply supplies supplied
    bring brings brought buy buys bought get gets got handle handles handled look looks looked reach reached owe owes
    owed become became come came go went see saw make made place placed raise raised open opened receive received
    produce produced generate generated break worth euro euros dollar dollars year years month months""".split()
)


class TableReader(Protocol):
    """What planning needs of the table planner (`query.text2sql.planner.TableQuestionPlanner`)."""

    def own(self) -> TableReader:
        """The same planner for one question: nothing is remembered of other questions, nor of this one afterwards."""
        ...

    def plan(self, question: str, *, subject: str | None = None, limit: int = 5) -> tuple[Reading, ...]:
        """Readings, best first."""
        ...

    def choice(self, question: str) -> Choice | None:
        """The ways in which the question can be meant, where its words leave a choice."""
        ...

    def links(self, question: str) -> tuple[Link, ...]:
        """Words of the question tied to the catalogue."""
        ...

    def unknown_words(self, question: str) -> tuple[str, ...]:
        """Content words that nothing explains."""
        ...


class Names(Protocol):
    """What planning needs of the dictionary of names (`query.planning.entity_names.EntityNames`)."""

    def find(self, question: str) -> tuple[Mention, ...]:
        """The entities that the question names."""
        ...


@dataclass(frozen=True)
class Populations:
    """Readings of which entities are meant."""

    catalogue: Catalogue
    tables: TableReader
    names: Names

    def of(self, body: str, entity_name: str) -> Reading:
        """The entities that `body` speaks of; all of them when it sets no condition that the tables know."""
        entity = self._entity(entity_name)
        named = self.named(body, entity_name)
        if named:
            return by_key(entity, named)
        readings = self.tables.plan(self.measured(body), subject=entity_name) if body.strip() else ()
        return readings[0] if readings else everything(entity)

    def named(self, body: str, entity_name: str | None = None) -> tuple[Named, ...]:
        """The entities that `body` names beyond doubt."""
        found = [m.meant[0] for m in self.names.find(body) if len(m.meant) == 1]
        return tuple(n for n in dict.fromkeys(found) if entity_name is None or n.entity == entity_name)

    def doubtful(self, body: str) -> Mention | None:
        """The first name in `body` that several entities bear. Over a drafted catalogue a name that all of them bear
        in full is a value like any other: what is asked of it is asked of all."""
        several = (m for m in self.names.find(body) if len(m.meant) > 1)
        return next((m for m in several if self.catalogue.terms or not m.whole), None)

    def unknown(self, text: str) -> tuple[str, ...]:
        """The words of `text` that nothing in the tables explains; verbs that could stand with any noun are none of
        them."""
        return tuple(w for w in self.tables.unknown_words(text) if w.lower() not in LIGHT_VERBS)

    def entity_in(self, body: str) -> str | None:
        """The entity that `body` is about: the one it names, else the one whose word comes first."""
        named = self.named(body)
        if named:
            return named[0].entity
        best: tuple[int, str] | None = None
        for entity in self.catalogue.entities:
            found = re.search(rf"\b(?:{'|'.join(self.words(entity))})\b", body, re.I)
            if found and (best is None or found.start() < best[0]):
                best = (found.start(), entity.name)
        return best[1] if best else None

    def addressed(self, body: str) -> str | None:
        """The entity that a letter is for: the one whose word comes first outside of names ("gear" in "Cedarfjell Gear
        Co" is part of one), else the one that is named."""
        outside = body
        for mention in reversed(self.names.find(body)):
            outside = f"{outside[: mention.start]} {outside[mention.end :]}"
        return self.entity_in(outside) or self.entity_in(body)

    def measured(self, body: str) -> str:
        """`body` with what the catalogue ranks an entity by, where "our top 10 customers" does not say by what: its
        `top_by`, else revenue; the largest ones may be so by a column of their own."""
        found = self._top(body)
        if found is None:
            return body
        entity, ranked = found
        by = entity.top_by or ("" if _SIZE.match(ranked.group(0)) else self._revenue())
        if not by:
            return body
        named = f"{body[: ranked.end()]} by {by}{body[ranked.end() :]}"
        many = ranked.group(0).rstrip().endswith("s") and not re.search(r"\d", ranked.group(0))
        return _TOP_MANY.sub(rf"\1 {DEFAULT_TOP}", named, count=1) if many else named

    def is_unmeasured(self, body: str) -> bool:
        """True where `body` asks for the top of something and nothing says by what."""
        return self._top(body) is not None and self.measured(body) == body

    def _top(self, body: str) -> tuple[Entity, re.Match[str]] | None:
        if _MEASURED.search(body):
            return None
        for entity in self.catalogue.entities:
            called = "|".join(self.words(entity))
            found = re.search(
                rf"\b(?:top|best|biggest|largest|most important|key)\s+(?:\w+\s+)?(?:{called})\b", body, re.I
            )
            if found:
                return entity, found
        return None

    def _revenue(self) -> str:
        """What the catalogue calls revenue."""
        found = (m for m in self.catalogue.metrics if {"revenue"} & {m.name, m.label, *m.synonyms})
        return next((m.label for m in found), "")

    def words(self, entity: Entity) -> list[str]:
        """Patterns of the words for an entity, singular and plural, longest first."""
        table = self.catalogue.table(entity.table)
        words = {entity.name, *entity.synonyms, *((table.label, *table.synonyms) if table else ())}
        forms = {form for word in words if word for form in (word, *_numbers(word))}
        return [re.escape(form) for form in sorted(forms, key=len, reverse=True)]

    def about(self, body: str, named: Sequence[Named]) -> Reading:
        """The rows of `named` entities (of the first one's kind), with the columns that `body` speaks of."""
        entity = self._entity(named[0].entity)
        return by_key(entity, [n for n in named if n.entity == entity.name], self._asked(body, entity, named))

    def _asked(self, body: str, entity: Entity, named: Sequence[Named]) -> tuple[str, ...]:
        table = self.catalogue.table(entity.table)
        asked = frozenset(terms(body)) - frozenset(t for n in named for t in terms(n.name))
        if table is None:
            return ()
        return tuple(c.name for c in table.columns if c.role == "dimension" and asked & _terms_of(c))

    def _entity(self, name: str) -> Entity:
        entity = self.catalogue.entity(name)
        assert entity is not None, name
        return entity


def everything(entity: Entity) -> Reading:
    """Every entity of a kind."""
    sql = f'SELECT "{entity.key}", "{entity.name_column}" FROM "{entity.table}"'
    return Reading(sql, 0.7, f"every {entity.name}", (), (entity.table,), entity.name, entity.key)


def by_key(entity: Entity, named: Sequence[Named], columns: Sequence[str] = ()) -> Reading:
    """Named entities, with further columns of their rows."""
    keys = ", ".join("'" + n.key.replace("'", "''") + "'" for n in named)
    shown = ", ".join(f'"{c}"' for c in dict.fromkeys((entity.key, entity.name_column, *columns)))
    sql = f'SELECT {shown} FROM "{entity.table}" WHERE "{entity.key}" IN ({keys})'
    said = " and ".join(n.name for n in named)
    return Reading(sql, 0.95, f"{entity.name} {said}", (), (entity.table,), entity.name, entity.key, title=said)


def _terms_of(column: Column) -> frozenset[str]:
    return frozenset(t for text in (column.label, *column.synonyms) for t in terms(text))


def _numbers(word: str) -> tuple[str, ...]:
    """Plural and singular of a regular noun."""
    if word.endswith("s"):
        return (word[:-1],)
    return (word[:-1] + "ies",) if word.endswith("y") else (word + "s", word + "es")
