"""Findings to what is told: sentences, items, drafts, chart and pictures, by the path that the plan took."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from index.documents import Passage
from index.scope import Scope
from index.search.quotes import Quote, quotes
from index.stages import stage
from query.answer import ChartView, DraftView
from query.compose.chart import chart
from query.compose.items import ItemNote, ItemTeller
from query.compose.quoting import one_each, pick
from query.compose.sentences import Composer, heading, said_of, scored_lead, title_of
from query.compose.written import UNWORDED
from query.document_tables.told import table_answer
from query.drafts.letters import MOST_DRAFTS, LetterDesk
from query.evidence import CitationBook, PassageEvidence, Sentence, Slot, TableEvidence
from query.execute import Findings
from query.facts import FactReader
from query.images import season_of
from query.parts import Parts, WantedPicture
from query.plan import Egress, Plan, Reading, SearchStep, SqlStep
from query.scoring import hidden_features
from query.scoring.next_steps import StepFinder
from query.scoring.reasons import worded

MOST_PROFILES = 5
COMPOSED = "composed: the product picture in a drawn scene"
COMPOSED_NOTICE = "The lifestyle pictures are composed: the product pictures set into drawn scenes, not photographs."
NOTHING = "The data cannot answer this."


_FIGURES = re.compile(r"\d+")


@dataclass
class Told:
    """What an answer will say, before the checker. `stated` are texts that fixed words may repeat."""

    sentences: list[Sentence] = field(default_factory=list)
    notes: list[ItemNote] = field(default_factory=list)
    passages: tuple[Passage, ...] = ()
    drafts: list[DraftView] = field(default_factory=list)
    chart: ChartView | None = None
    images: list[dict[str, Any]] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    stated: list[str] = field(default_factory=list)
    egress: list[Egress] = field(default_factory=list)
    path: str = ""


@dataclass
class Teller:
    """Tells the findings of one plan."""

    parts: Parts
    scope: Scope
    plan: Plan
    found: Findings
    book: CitationBook
    documents: Callable[[str], str | None] | None = None
    told: Told = field(default_factory=Told)
    _steps: StepFinder | None = None
    _quoted_already: set[tuple[str, int, int]] = field(default_factory=set)

    @property
    def composer(self) -> Composer:
        """The composer of this answer."""
        return Composer(self.parts.catalogue, self.book)

    def tell(self) -> Told:
        """What the answer says of what was found; `make` adds what takes longer."""
        path = self.plan.route.path
        if path == "refuse" and not self.plan.clarification:
            self._say(NOTHING)
        elif path in ("clarify", "refuse"):
            self._say(self.plan.clarification or "Which reading do you mean?")
            if self.found.tables:
                self._tables()
        elif self.found.profile is not None:
            self._profiles()
        elif self.found.scores is not None:
            self._scored()
        elif self.found.searched is not None and self.found.searched.require:
            self._joined()
        elif self.found.drafts is not None:
            self._listed()
        elif self.found.passages:
            self._quoted()
        else:
            self._tables()
        self.told.stated += [reading.explanation for reading in self._readings()]
        self.told.stated += [said for reading in self._readings() for said in (title_of(reading), said_of(reading))]
        self.told.stated += self._asked_headings()
        return self.told

    def _asked_headings(self) -> list[str]:
        """The headings of columns whose figures the question has itself ("revenue march 2026")."""
        asked = set(_FIGURES.findall(self.plan.question))
        columns = [column for evidence in self.found.tables.values() for column in evidence.rows.columns]
        return [heading(c) for c in columns if (held := set(_FIGURES.findall(c))) and held <= asked]

    def make(self) -> Sequence[Sentence]:
        """Drafts, pictures and a chart, into what `tell` gave; the sentences that say so."""
        before = len(self.told.sentences)
        self._draft()
        self._illustrate()
        self._chart()
        return self.told.sentences[before:]

    def _tables(self) -> None:
        readings = {s.id: s.reading for s in self.plan.steps if isinstance(s, SqlStep)}
        if "series" in self.found.tables:
            self.told.sentences += self.composer.trend(self.found.tables, self.plan)
            return
        for name, evidence in self.found.tables.items():
            self.told.sentences += self.composer.table(evidence, readings[name])

    def _quoted(self) -> None:
        """What the records say, where they were asked too, then what the documents say."""
        before = len(self.told.sentences)
        readings = {s.id: s.reading for s in self.plan.steps if isinstance(s, SqlStep)}
        for name, evidence in self.found.tables.items():
            if evidence.purpose == "answer":
                self.told.sentences += self.composer.table(evidence, readings[name])
            elif len(evidence.rows.columns) > 2:
                self._told_rows(evidence)
        for searched in self.found.passages.values():
            self.told.passages += searched.passages
            self._quotes_of(searched)
        if len(self.told.sentences) == before:
            self.told.path = "refuse"
            self._say(NOTHING)

    def _told_rows(self, evidence: TableEvidence) -> None:
        entity = self.parts.catalogue.entity(evidence.entity or "")
        names = evidence.rows.columns.index(entity.name_column) if entity else 0
        for row, values in enumerate(evidence.rows.rows):
            slots = [self.composer.slot(evidence, row, evidence.rows.columns[names])]
            parts: list[str | Slot] = [slots[0], ": "]
            for at, column in enumerate(evidence.rows.columns[2:], 2):
                if values[at] is not None:
                    parts += [", " if at > 2 else "", f"{column.replace('_', ' ')} "]
                    parts.append(self.composer.slot(evidence, row, column))
            self.told.sentences.append(Sentence((*parts, ".")))

    def _quotes_of(self, evidence: PassageEvidence, *, said: bool = False) -> None:
        embedder = self.parts.embedding(self.scope)
        if embedder is None:
            return
        if not said and self.documents is not None:
            worked = table_answer(self.plan.question, evidence.passages, self.documents, self.book)
            if worked:
                self.told.sentences += worked
                return
        said |= any(isinstance(s, SearchStep) and s.id == evidence.id and s.sources for s in self.plan.steps)
        last = ""
        for quote in (one_each if said else pick)(evidence.query, evidence.passages, embedder):
            place = (quote.doc_id, quote.start, quote.end)
            if place in self._quoted_already:
                continue  # two clauses of one question may be answered by the same section
            self._quoted_already.add(place)
            title = " › ".join(dict.fromkeys(t for t in (quote.passage.title, quote.passage.heading) if t))
            self.told.stated.append(title)
            if title != last:
                self.told.sentences.append(Sentence((f"{title}:",)))
            last = title
            slot = self.composer.quote(quote.passage, quote.start, quote.end)
            self.told.sentences.append(Sentence(("“", slot, "”"), "bullet"))

    def _scored(self) -> None:
        step = self.found.scores
        assert step is not None
        score = next(s for s in self.parts.catalogue.scores if s.name == step.score)
        population = next((r for r in self._readings() if r.entity == score.entity), None)
        lead = scored_lead(self.found, self.composer, score, population)
        self.told.sentences.append(lead)
        # the plan's words, not findings; marks stand before the colon
        self.told.stated += [part.strip(" :.") for part in lead.parts if isinstance(part, str)]
        self._state_features()
        hidden = hidden_features(score, self.parts.reader, self.parts.catalogue, self.scope)
        if hidden:
            said = ", ".join(name.replace("_", " ") for name in hidden)
            self.told.notices.append(f"Counted as average, because you may not see what they are made of: {said}.")
        teller = self._teller()
        for item in self.found.items:
            self._keep(teller.scored(item, score))

    def _profiles(self) -> None:
        """Facts, score and documents of each named entity, under its name."""
        step = self.found.profile
        assert step is not None
        desk = FactReader(self.parts.reader, self.parts.catalogue, self.scope, self.parts.catalogue.date())
        labels = desk.labels(step.entity)
        self._state_features()
        teller = self._teller()
        score = next((s for s in self.parts.catalogue.scores if s.entity == step.entity), None)
        for item in self.found.items[:MOST_PROFILES]:
            if item.score is not None and score is not None:
                self._keep(teller.scored(item, score))
            else:
                self._keep(teller.named(item))
            for name, evidence in desk.facts(step.entity, item.key).items():
                self.found.tables[evidence.id] = evidence
                self.told.stated += [labels.get(name, name), *(c.replace("_", " ") for c in evidence.rows.columns)]
                self.told.sentences += self.composer.fact(labels.get(name, name), evidence)
        for searched in self.found.passages.values():
            self.told.passages += searched.passages
            self._quotes_of(searched, said=True)

    def _state_features(self) -> None:
        """The fixed words of the scores' reasons, which may repeat figures of their definitions."""
        for score in self.parts.catalogue.scores:
            self.told.stated.append(score.label)
            for feature in score.features:
                before, _, after, _ = worded(feature.label, 0.0)
                self.told.stated += [before.strip(), after.strip(), feature.label]

    def _joined(self) -> None:
        searched = self.found.searched
        assert searched is not None
        self.told.passages = tuple(p for item in self.found.items for p in item.passages)
        if not self.found.items:
            self._say("No document about them was found that speaks of this.")
            return
        teller = self._teller()
        for item in self.found.items:
            self._keep(teller.quoted(item, self._quotes(searched.query, item.passages[:2], 1)))

    def _listed(self) -> None:
        evidence = self.found.tables["population"]
        reading = self._readings()[0]
        if not self.found.items:
            self.told.sentences += self.composer.table(evidence, reading)
            return
        entity = self.parts.catalogue.entity(self.found.items[0].entity)
        shown = {entity.key, entity.name_column} if entity else set()
        columns = [c for c in evidence.rows.columns if c not in shown]
        self._say(f"{title_of(reading)}:")
        teller = self._teller()
        for item in self.found.items:
            self._keep(teller.listed(item, evidence, columns))

    def _draft(self) -> None:
        """A draft for each item, in the order of the list."""
        step = self.found.drafts
        if step is None or not self.told.notes:
            return
        desk = LetterDesk(self.parts, self.scope, self.documents, self._finder())
        with stage("drafts") as mark:
            for note in self.told.notes[:MOST_DRAFTS]:
                draft = desk.write(step, note.item)
                note.draft_id = draft.id
                self.told.drafts.append(draft)
                self.told.notices += [n for n in draft.notices if n.startswith(UNWORDED) and n not in self.told.notices]
            mark.note(drafts=len(self.told.drafts))
        self.told.egress += desk.egress
        if len(self.told.notes) > MOST_DRAFTS:
            self.told.notices.append(
                "Drafts were written for the first entities of the list only; narrow the question."
            )
        self._say("A draft for each is ready for approval.")

    def _illustrate(self) -> None:
        """A lifestyle picture for each item that has a product picture."""
        step, studio = self.found.images, self.parts.studio
        if step is None:
            return
        if studio is None:
            self.told.notices.append("No pictures were made: this workspace has no place to draw them.")
            return
        season = season_of(self.plan.question)
        wanted = [
            WantedPicture(str(draft.images[0]["path"]), draft.key, str(draft.images[0]["title"]), season)
            for draft in self.told.drafts
            if draft.images
        ]
        for one, made in zip(wanted, studio.lifestyle(wanted), strict=True):
            told = COMPOSED if made.composed else "made by an image model"
            self.told.images.append(
                {"path": made.path, "title": one.title, "key": one.key, "kind": "lifestyle", "made": told}
            )
            self.told.notices += [n for n in (COMPOSED_NOTICE if made.composed else "", made.notice)
                                  if n and n not in self.told.notices]  # fmt: skip
            self.told.egress += made.egress

    def _chart(self) -> None:
        step = self.found.chart
        if step is None or step.rows_from not in self.found.tables:
            return
        evidence = self.found.tables[step.rows_from]
        reading = next(s.reading for s in self.plan.steps if isinstance(s, SqlStep) and s.id == step.rows_from)
        units = {column: self.composer.unit(evidence, column) for column in evidence.rows.columns}
        spec = chart(evidence.rows, reading, kind=step.kind, units=units)
        if spec is None:
            self.told.notices.append("A single value makes no chart; the answer is in the text.")
            return
        self.told.chart = ChartView(vega_lite=spec, title=title_of(reading))

    def _teller(self) -> ItemTeller:
        scores = self.found.scores
        days = tuple(map(dt.date.fromisoformat, scores.due)) if scores and scores.due else None
        return ItemTeller(
            self.parts.catalogue,
            self.composer,
            self.found.tables.get("population"),
            self._finder(),
            due=self.found.tables.get("due"),
            stated=self.found.tables.get("stated"),
            period=(days[0], days[1]) if days else (self.parts.catalogue.date(), None),
        )

    def _finder(self) -> StepFinder | None:
        """One finder an answer: reasons that entities share are searched once."""
        if self._steps is None and self.parts.passages is not None:
            self._steps = StepFinder(self.parts.passages, self.scope)
        return self._steps

    def _keep(self, note: ItemNote) -> None:
        self.told.sentences += note.sentences
        self.told.notes.append(note)

    def _quotes(self, query: str, passages: Iterable[Passage], limit: int) -> tuple[Quote, ...]:
        held = list(passages)
        embedder = self.parts.embedding(self.scope)
        if embedder is None or not held:
            return ()
        return quotes(query, held, embedder, limit)

    def _say(self, text: str) -> None:
        self.told.stated.append(text)
        self.told.sentences.append(Sentence((text,)))

    def _readings(self) -> list[Reading]:
        return [s.reading for s in self.plan.steps if isinstance(s, SqlStep)]
