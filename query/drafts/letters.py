"""Drafts for the entities of an answer: facts read, written, and turned into what goes over the wire."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from index.guard.guard import guard
from index.scope import Scope
from index.vectors.keywords import terms
from query.answer import CitationView, DraftView
from query.drafts import Draft, DraftWriter
from query.evidence import Citation
from query.execute import Item
from query.facts import FactReader
from query.names import NameDictionary
from query.parts import Parts, Writer
from query.plan import DraftStep, Egress
from query.proof.addresses import cleaned
from query.scoring.next_steps import StepFinder

MOST_DRAFTS = 100  # a longer list gets drafts for its first so many, with a notice
MOST_NAMES = 100_000


@dataclass
class LetterDesk:
    """Writes the drafts of one answer for one scope; `egress` is what left for a model that worded them."""

    parts: Parts
    scope: Scope
    document_text: Callable[[str], str | None] | None
    finder: StepFinder | None = None
    egress: list[Egress] = field(default_factory=list)
    _writers: dict[str, DraftWriter] = field(default_factory=dict)
    _words: Writer | None = None

    def __post_init__(self) -> None:
        self._words = self.parts.writer.shared() if self.parts.writer else None
        self._facts = FactReader(self.parts.reader, self.parts.catalogue, self.scope, self.parts.catalogue.date())

    def write(self, step: DraftStep, item: Item) -> DraftView:
        """The draft of one item, for a person to approve. A letter about something that a fact holds ("about their
        overdue invoices") is about those facts alone."""
        facts, labels = self._facts.facts(step.entity, item.key), self._facts.labels(step.entity)
        asked = self._asked(step, labels) if step.kind == "follow_up" else frozenset()
        people = self._people(step.entity)
        if asked:
            facts = {name: held for name, held in facts.items() if name in asked | people}
        draft = self._writer(step.entity).write(
            "generic" if asked else step.kind,
            step.entity,
            item.key,
            facts,
            labels=labels,
            scored=item.score,
            topics=step.topics,
            images=step.images or step.kind == "product_description",
        )
        self.egress += draft.egress
        return draft_view(draft, self.parts.pictures)

    def _asked(self, step: DraftStep, labels: Mapping[str, str]) -> frozenset[str]:
        """The facts that the topics of a draft name, by the words of their label; none where a topic names none."""
        found: set[str] = set()
        for topic in step.topics:
            words = frozenset(terms(topic))
            named = {name for name, label in labels.items() if words and words <= frozenset(terms(f"{label} {name}"))}
            if not named:
                return frozenset()
            found |= named
        return frozenset(found) - self._people(step.entity)

    def _people(self, entity_name: str) -> frozenset[str]:
        """The facts that give addressee and sender."""
        entity = self.parts.catalogue.entity(entity_name)
        return frozenset(filter(None, (entity.contact, entity.owner))) if entity else frozenset()

    def _writer(self, entity: str) -> DraftWriter:
        if entity not in self._writers:
            self._writers[entity] = DraftWriter(
                self.parts.catalogue,
                self.scope,
                self.parts.passages,
                self.parts.templates,
                self.parts.catalogue.date(),
                names=self._names(entity),
                document_text=self.document_text,
                steps=self.finder,
                words=self._words,
            )
        return self._writers[entity]

    def _names(self, entity_name: str) -> NameDictionary | None:
        """The names of every entity of that kind that the scope shows: a draft about one may name no other.

        Descriptions of things may name each other's categories, so only entities that have a contact count.
        """
        entity = self.parts.catalogue.entity(entity_name)
        if entity is None or not entity.contact:
            return None
        sql = f'SELECT DISTINCT "{entity.name_column}" FROM "{entity.table}"'
        query = guard(sql, self.parts.catalogue, self.scope, dialect=self.parts.reader.dialect, limit=MOST_NAMES)
        return NameDictionary(str(row[0]) for row in self.parts.reader.read(query).rows if row[0])


def draft_view(draft: Draft, pictures: Callable[[str], str]) -> DraftView:
    """A draft as it goes over the wire; `pictures` turns a path of the data into a path that can be opened."""
    return DraftView(
        id=uuid.uuid4().hex[:12],
        kind=draft.kind,
        entity=draft.entity,
        key=draft.key,
        to=draft.to,
        sender=draft.sender,
        subject=draft.subject.text(),
        body=draft.markdown(),
        citations=[citation_view(c) for c in draft.citations],
        images=[
            {"path": pictures(i.path), "title": i.name, "key": i.key, "citation": i.citation.n} for i in draft.images
        ],
        attachments=[{"doc_id": a.doc_id, "title": a.title} for a in draft.attachments],
        notices=list(draft.notices),
        language=draft.language,
    )


def stated_addresses(citations: Iterable[Citation | CitationView]) -> frozenset[str]:
    """Cells that are an address and nothing else, such as a column of websites: what was asked for may be said. An
    address that a query put together of other values may not: whoever wrote the query chose where it leads."""
    return frozenset(str(c.value).strip() for c in citations if c.kind == "cell" and isinstance(c.value, str))


def drafts_without_addresses(drafts: Sequence[DraftView]) -> tuple[list[DraftView], list[str]]:
    """The drafts without addresses that others wrote into the data, and those addresses."""
    made, removed = [], list[str]()
    for draft in drafts:
        stated = stated_addresses(draft.citations)
        subject, body = cleaned(draft.subject, stated), cleaned(draft.body, stated)
        found = [*subject.removed, *body.removed]
        made.append(draft.model_copy(update={"subject": subject.text, "body": body.text}) if found else draft)
        removed += found
    return made, removed


def citation_view(citation: Citation) -> CitationView:
    """A citation as it goes over the wire."""
    fields: Mapping[str, Any] = {name: getattr(citation, name) for name in CitationView.model_fields}
    return CitationView(**fields)
