"""Writing a draft: template, facts, reasons, guides and terms in; a proven draft out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from index.catalogue.model import Catalogue
from index.documents import Passage
from index.scope import Scope
from index.vectors.gateway import Narrow
from query.drafts.draft import Attachment, Block, Draft, DraftImage, Paragraph, renumbered
from query.drafts.fill import Filler
from query.drafts.language import language_of, spoken
from query.drafts.offers import offer_from, quote_slot, topic_quote
from query.drafts.template import BlockTemplate, TemplateSet
from query.drafts.wording import reworded
from query.evidence import CitationBook, Contribution, EntityScore, Sentence, Slot, TableEvidence
from query.facts import value_of
from query.names import NameDictionary
from query.proof.prove import Prover, loose_figures
from query.proof.provenance import cite, column_of, key_text, shape
from query.scoring.next_steps import EVERYTHING, PassageSearch, StepFinder, query_of, spans, strongest

if TYPE_CHECKING:
    from query.parts import Writer

MOST_REASONS = 3
"""Reasons that one letter speaks about; more would read like a list of complaints."""
MOST_OFFERS = 3
TOLD_FROM = 0.3
"""A reason that adds less to the logit is too weak to be spoken of to a customer."""
FEWEST_FACTS = 3
MOST_LISTED_ROWS = 5
TOLD_ROLES = frozenset({"name", "measure", "time"})
"""What a list of facts may tell a customer: names, amounts and days, not how we file them (segment, health, status)."""
NO_SUBJECT = {"en": Sentence(("A message for you",)), "de": Sentence(("Eine Nachricht für Sie",))}
_LAYOUT: dict[str, Block] = {"bullets": "bullets", "signature": "lines"}


@dataclass
class DraftWriter:
    """Writes drafts for one scope. Searches that several drafts share are made once.

    `names` holds the names of the entities that a draft must not mention (the draft's own is taken out);
    `document_text` gives stored documents to the checker; `words` may put proven sentences into other words.
    """

    catalogue: Catalogue
    scope: Scope
    passages: PassageSearch | None
    templates: TemplateSet
    today: dt.date
    names: NameDictionary | None = None
    document_text: Callable[[str], str | None] | None = None
    steps: StepFinder | None = None
    words: Writer | None = None
    _searched: dict[tuple[str, tuple[str, ...]], tuple[Passage, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.steps is None and self.passages is not None:
            self.steps = StepFinder(self.passages, self.scope)

    def write(
        self,
        kind: str,
        entity: str,
        key: str,
        facts: Mapping[str, TableEvidence],
        *,
        labels: Mapping[str, str] | None = None,
        scored: EntityScore | None = None,
        topics: Sequence[str] = (),
        images: bool = False,
    ) -> Draft:
        """The draft of that kind for one entity. `facts` are its facts (`FactReader`), `labels` how they are called;
        `topics` are words whose terms are quoted (warranty). Sentences that cannot be proven are left out, with a
        notice; an addressee that the asker may not see leaves `to` empty, with a notice.
        """
        return _Letter(self, kind, entity, key, facts, labels or {}, scored, tuple(topics), images).write()

    def search(self, query: str, about: tuple[str, ...] = ()) -> tuple[Passage, ...]:
        """Passages for `query`, about given `entity:key`s or about no entity in particular."""
        if self.passages is None:
            return ()
        if (query, about) not in self._searched:
            narrow = Narrow(entities=about) if about else EVERYTHING
            found = self.passages.search(query, self.scope, k=24, narrow=narrow)
            self._searched[query, about] = tuple(p for p in found if about or not p.entities)
        return self._searched[query, about]


@dataclass
class _Letter:
    """One draft in the making."""

    writer: DraftWriter
    kind: str
    entity: str
    key: str
    facts: Mapping[str, TableEvidence]
    labels: Mapping[str, str]
    scored: EntityScore | None
    topics: tuple[str, ...]
    images: bool
    book: CitationBook = field(default_factory=CitationBook)
    quoted: list[Passage] = field(default_factory=list)
    topical: list[Passage] = field(default_factory=list)
    body: list[Paragraph] = field(default_factory=list)
    offers: list[Sentence] = field(default_factory=list)
    reasons_told: bool = False

    def __post_init__(self) -> None:
        declared = self.writer.catalogue.entity(self.entity)
        facts = dict(self.facts)
        if declared is not None:  # templates speak of contact and owner whatever the catalogue calls these facts
            for role, name in (("contact", declared.contact), ("owner", declared.owner)):
                if name in facts:
                    facts[role] = facts[name]
        # a product text is for a shop, not for a reader that we know
        reader = (
            ""
            if self.kind == "product_description"
            else language_of(facts, by_country=self.writer.templates.by_country)
        )
        self.template = self.writer.templates.get(self.kind, reader)
        self.filler = Filler(
            facts, self.writer.catalogue, self.writer.scope, self.book, f"{self.kind}:{self.key}",
            self.template.language,
        )  # fmt: skip

    def write(self) -> Draft:
        """Fill every block, prove every sentence, and put the draft together."""
        blocks = self.template.blocks
        self._prepare_name()
        self._prepare_offers()
        self._prepare_quotes()
        subject = next((s for b in blocks if b.kind == "subject" for s in self.filler.choose(b)), None)
        self.subject = self._about() or subject or NO_SUBJECT.get(self.template.language, NO_SUBJECT["en"])
        for block in blocks:
            if block.kind != "subject":
                self.body += list(self._block(block))
        pictures = tuple(self._pictures()) if self.images else ()
        return self._proven(pictures)

    def _about(self) -> Sentence | None:
        """The subject of a letter about one fact: what that fact is called (in the catalogue's words: English)."""
        if self.template.language != "en":
            return None
        declared = self.writer.catalogue.entity(self.entity)
        people = {"contact", "owner", *((declared.contact, declared.owner) if declared else ())}
        told = [name for name in self.facts if name not in people]
        return Sentence((f"About your {self._label(told[0]).lower()}",)) if self._is_about(told) else None

    def _is_about(self, told: Sequence[str]) -> bool:
        return self.kind == "generic" and len(told) == 1 and bool(self.facts[told[0]].rows.rows)

    # --- blocks --------------------------------------------------------------------------------------------------

    def _block(self, block: BlockTemplate) -> Iterator[Paragraph]:
        if block.kind == "driver":
            if not self.reasons_told:
                self.reasons_told = True
                yield from self._reasons()
            return
        if block.kind == "each":
            yield from self._each(block)
            return
        if block.kind == "facts":
            yield from self._listed(block)
            return
        if block.kind == "offers" and not self.offers:
            return
        sentences = self.filler.choose(block)
        if sentences:
            yield Paragraph(sentences, _LAYOUT.get(block.kind, "paragraph"))
        if block.kind == "offers":
            yield Paragraph(tuple(self.offers), "bullets")

    def _reasons(self) -> Iterator[Paragraph]:
        """A paragraph for each of the strongest reasons that the template has words for."""
        blocks = [b for b in self.template.blocks if b.kind == "driver"]
        told: list[BlockTemplate] = []
        for about in self._reason_words():
            block = next((b for b in blocks if b.pattern.search(about)), None)
            if block is None or block in told:
                continue
            sentences = self.filler.choose(block)
            if any(isinstance(p, Slot) for s in sentences for p in s.parts):
                told.append(block)
                yield Paragraph(sentences)
            if len(told) == MOST_REASONS:
                return

    def _reasons_to_tell(self) -> list[Contribution]:
        return [c for c in strongest(self.scored) if c.logit >= TOLD_FROM] if self.scored else []

    def _reason_words(self) -> list[str]:
        return [c.feature.replace("_", " ") for c in self._reasons_to_tell()]

    def _each(self, block: BlockTemplate) -> Iterator[Paragraph]:
        evidence = self.facts.get(block.argument)
        if evidence is None:
            return
        self.filler.facts = {**self.filler.facts, "row": evidence}
        for row in range(len(evidence.rows.rows)):
            self.filler.rows["row"] = row
            self.filler.extra.pop(("topic", "quote"), None)
            quote = self._topic(evidence, row)
            if quote is not None:
                self.filler.extra["topic", "quote"] = quote
            sentences = self.filler.choose(block)
            if sentences:
                yield Paragraph(sentences)
        self.filler.extra.pop(("topic", "quote"), None)

    def _listed(self, block: BlockTemplate) -> Iterator[Paragraph]:
        """Facts by their labels, so that a draft from a catalogue without the usual facts still says something."""
        told = self.filler.facts_of(s for p in self.body for s in p.sentences)
        if len(told) >= (int(block.argument) if block.argument.isdigit() else FEWEST_FACTS):
            return
        items = [s for name in self.facts if name not in told for s in self._fact_sentence(name)]
        if items:
            yield from (Paragraph(sentences) for sentences in [self.filler.choose(block)] if sentences)
            yield Paragraph(tuple(items[: 2 * FEWEST_FACTS]), "bullets")

    def _fact_sentence(self, name: str) -> Iterator[Sentence]:
        declared = self.writer.catalogue.entity(self.entity)
        if declared is not None and name in (declared.contact, declared.owner):
            return
        evidence = self.facts[name]
        for row in range(min(len(evidence.rows.rows), MOST_LISTED_ROWS)):
            parts = self._row_parts(name, evidence, row)
            if parts:
                yield Sentence((f"{self._label(name)}: ", *parts))

    def _row_parts(self, name: str, evidence: TableEvidence, row: int) -> list[str | Slot]:
        """The cells of a row that a customer may be told, behind their labels; ids tell several rows apart."""
        told = TOLD_ROLES | {"key"} if len(evidence.rows.rows) > 1 else TOLD_ROLES
        parts: list[str | Slot] = []
        for column in evidence.rows.columns:
            base = column_of(evidence, column, self.writer.catalogue)
            if "__" in column or (base and base.role not in told):
                continue
            slot = self.filler.slot_of(name, f"{row}.{column}" if row else column)
            if slot is not None:
                called = (base.label if base else column).replace("_", " ").lower()
                parts += [", " if parts else "", "" if called == "count" else f"{called} ", slot]
        return [part for part in parts if part]

    def _label(self, name: str) -> str:
        """What a fact is called, capitalised; its name where the label holds a figure, which nothing would prove."""
        label = self.labels.get(name, "")
        if not label or loose_figures(label):
            label = name.replace("_", " ")
        return f"{label[:1].upper()}{label[1:]}"

    def _prepare_name(self) -> None:
        """`entity.name`: what people call this entity, from whichever fact holds it."""
        declared = self.writer.catalogue.entity(self.entity)
        for fact in self.facts if declared else ():
            base = column_of(self.facts[fact], declared.name_column, self.writer.catalogue) if declared else None
            slot = (
                self.filler.slot_of(fact, declared.name_column) if declared and base and base.role == "name" else None
            )
            if slot is not None and fact not in ("contact", "owner"):
                self.filler.extra["entity", "name"] = Sentence((slot,))
                return

    # --- passages ------------------------------------------------------------------------------------------------

    def _prepare_offers(self) -> None:
        """What the guides let us offer for the strongest reasons, none of it twice."""
        if self.writer.steps is None:
            return
        for reason in self._reasons_to_tell():
            if len(self.offers) == MOST_OFFERS:
                return
            ranked = self.writer.steps.ranked(query_of(reason))
            candidates = [span for span in ranked if spoken(span.text) == self.template.language]
            offer = offer_from(candidates[:8], self.book)
            if offer is not None and offer.text() not in {o.text() for o in self.offers}:
                self.quoted += [c.passage for c in candidates]
                self.offers.append(offer)

    def _prepare_quotes(self) -> None:
        """`quote.first` and `quote.second`: what documents about this entity say of it; `topic.quote`: the terms."""
        if self.kind != "product_description":
            return
        name = self._name()
        found = self.writer.search(f"{name} overview", (f"{self.entity}:{self.key}",))
        quotes = []
        for passage in found:
            for span in spans(passage):
                if span.text.endswith(".") and 25 <= len(span.text) <= 300:
                    quotes.append((span.start, span))
        self.quoted += found
        ordered = [span for _, span in sorted(quotes, key=lambda q: (q[1].passage.doc_id, q[0]))]
        for place, span in zip((("quote", "first"), ("quote", "second")), ordered, strict=False):
            self.filler.extra[place] = Sentence((quote_slot(span, 0, len(span.text), self.book),))
        for evidence in self.facts.values():
            quote = self._topic(evidence, 0) if evidence.rows.rows else None
            if quote is not None:
                self.filler.extra["topic", "quote"] = quote
                return

    def _topic(self, evidence: TableEvidence, row: int) -> Sentence | None:
        """A sentence about one of the topics that fits a row: its columns called after the topic must be spoken of."""
        for topic in self.topics:
            stem = topic.lower().rstrip("s")
            named = [c for c in evidence.rows.columns if c.lower().startswith(stem)]
            if self.kind == "product_description" and not named:
                continue
            needed = [str(evidence.column(c)[row]) for c in named if evidence.column(c)[row] is not None]
            about = [str(evidence.column(c)[row]) for c in evidence.rows.columns if c in ("category", "type", "class")]
            wanted = needed or about
            passages = self.writer.search(" ".join([topic, *needed, *about]))
            quote = topic_quote(topic, wanted, passages, self.book) if wanted else None
            if quote is not None:
                self.quoted += passages
                self.topical += passages
                return quote
        return None

    # --- around the text -----------------------------------------------------------------------------------------

    def _name(self) -> str:
        declared = self.writer.catalogue.entity(self.entity)
        column = declared.name_column if declared else "name"
        found = (value_of(self.facts, fact, column) for fact in self.facts if fact not in ("contact", "owner"))
        return next((str(v) for v in found if v is not None), "")

    def _person(self, role: str) -> tuple[str, str]:
        name = self.filler.slot_of(role, "name")
        address = self.filler.slot_of(role, "email", free=True)
        if address is None:
            return "", f"the {role} of this {self.entity} is not known, or not visible to you"
        return f"{name.text} <{address.text}>" if name is not None else address.text, ""

    def _pictures(self) -> Iterator[DraftImage]:
        catalogue = self.writer.catalogue
        for evidence in self.facts.values():
            for column in evidence.rows.columns:
                base = column_of(evidence, column, catalogue)
                if base is None or base.role != "image":
                    continue
                for row, path in enumerate(evidence.column(column)):
                    if path:
                        citation = cite(evidence, row, column, catalogue, self.book)
                        yield DraftImage(
                            str(path), self._row_name(evidence, row), self._row_key(evidence, row, column), citation
                        )

    def _row_name(self, evidence: TableEvidence, row: int) -> str:
        for column in evidence.rows.columns:
            base = column_of(evidence, column, self.writer.catalogue)
            if base is not None and base.role == "name":
                return str(evidence.column(column)[row])
        return self._name()

    def _row_key(self, evidence: TableEvidence, row: int, column: str) -> str:
        found = shape(evidence.text, self.writer.catalogue)
        origin = found.origins[found.names.index(column)] if found and column in found.names else None
        if found and origin and origin.table in found.keyed:
            return key_text(evidence.rows.rows[row][i] for i in found.keyed[origin.table])
        table = self.writer.catalogue.table(origin.table) if origin else None
        keys = [c for c in (table.key if table else ()) if c in evidence.rows.columns]
        return str(evidence.column(keys[0])[row]) if keys else self.key

    def _proven(self, pictures: tuple[DraftImage, ...]) -> Draft:
        """Every sentence through the checker; what does not hold is left out with a notice."""
        notices: list[str] = []
        prover = self.prover()
        kept: Sequence[Paragraph] = ()
        for paragraph in self.body:
            proof = prover.prove(paragraph.sentences)
            notices += proof.notices
            if proof.kept:
                kept = (*kept, replace(paragraph, sentences=proof.kept))
        kept, written = reworded(kept, prover, self.writer.words, self.template.language)
        notices += written.notices
        if prover.fault(self.subject):
            self.subject = NO_SUBJECT.get(self.template.language, NO_SUBJECT["en"])
        to, sender = "", ""
        if self.kind != "product_description":
            (to, missing), (sender, no_owner) = self._person("contact"), self._person("owner")
            notices += [n for n in (missing, no_owner) if n]
        subject, body, pictures, citations = renumbered(self.subject, kept, pictures)
        used = tuple(f for f in self.filler.facts_of(s for p in kept for s in p.sentences) if f in self.facts)
        return Draft(
            self.kind, self.entity, self.key, subject, body, to, sender, pictures, citations, used,
            tuple(dict.fromkeys(notices)), self._attachments(kept), self.template.language, written.egress,
        )  # fmt: skip

    def _attachments(self, body: Sequence[Paragraph]) -> tuple[Attachment, ...]:
        """References to the documents that the letter quotes terms from; guides for our own people are none."""
        topical = {p.doc_id: p.title for p in self.topical}
        cited = (c.doc_id for p in body for s in p.sentences for c in s.citations() if c.doc_id in topical)
        return tuple(Attachment(doc_id, topical[doc_id] or doc_id) for doc_id in dict.fromkeys(cited) if doc_id)

    def prover(self) -> Prover:
        """The checker of this draft: only this entity's facts and the passages found for it count as sources."""
        names = self.writer.names.without(self._name()) if self.writer.names else None
        return Prover(
            self.writer.catalogue, tuple(self.facts.values()), tuple(self.quoted),
            document_text=self.writer.document_text, foreign=names,
        )  # fmt: skip
