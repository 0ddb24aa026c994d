"""Next steps: for each strong reason of a score, the sentence of a playbook that says what to do, word for word."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from index.documents import Passage
from index.scope import Scope
from index.search.fusion import strength
from index.search.quotes import sentence_spans
from index.vectors.gateway import Narrow
from index.vectors.keywords import terms
from query.evidence import Contribution, EntityScore

EVERYTHING = Narrow()
CANDIDATES = 12
LONGEST = 320
FITTING = 0.6
"""Passages that score below this share of the best one are about something else."""
WEAKEST = 0.05
"""A reason that adds less to the logit calls for no step."""
_GUIDE = re.compile(r"playbook|guide|how-?to|runbook|procedure", re.IGNORECASE)
_DO = re.compile(r"\b(?:offer|first|step|do|action|say|propose|response|remedy|recommend\w*)\b", re.IGNORECASE)
_NOT = re.compile(r"\b(?:when to|measure|do not|don't|goal|background|purpose|scope|definition)\b", re.IGNORECASE)
_HEADING = re.compile(r"^\s*#{1,6}\s+(.+?)\s*#*\s*$")
_BARE_HEADING = re.compile(r"[A-Z0-9][^.!?;|*]{1,68}[^.!?;:,|*\s]")
_VERBS = frozenset(
    "add agree analyse apologise arrange ask assign assist book bring bundle call cancel check clarify close collect "
    "compare confirm contact convert correct create credit define deliver demonstrate discuss document enable ensure "
    "escalate explain extend file find finish fix follow freeze give grant hand help hold identify inform introduce "
    "invite investigate involve issue join keep list make meet move name negotiate notify offer open organise pause "
    "phone plan prepare present prioritise promise propose provide put reactivate reduce remind remove replace reply "
    "report resolve restore review run schedule send set settle share ship show solve speak start stop suggest "
    "summarise swap take talk tell test thank train transfer update upgrade use verify visit waive walk write".split()
)


class PassageSearch(Protocol):
    """What next steps and drafts need of the passage index."""

    def search(self, query: str, scope: Scope, *, k: int = 8, narrow: Narrow = EVERYTHING) -> tuple[Passage, ...]:
        """The best passages for `query` within `scope` and `narrow`."""
        ...


@dataclass(frozen=True)
class NextStep:
    """Something to do about a reason. `text` is exactly characters `start` to `end` of the passage's document."""

    text: str
    driver: str
    feature: str
    passage: Passage
    start: int
    end: int


@dataclass(frozen=True)
class Span:
    """A sentence or list item of a passage: its place in the document and the heading it stands under."""

    text: str
    start: int
    end: int
    heading: str
    passage: Passage

    @property
    def imperative(self) -> bool:
        """True when it begins with a verb that asks for something to be done."""
        first = re.match(r"[A-Za-z]+", self.text)
        return bool(first) and first is not None and first.group().lower() in _VERBS


@dataclass
class StepFinder:
    """Finds next steps for one scope; a reason that many entities share is searched once."""

    passages: PassageSearch
    scope: Scope
    narrow: Narrow = field(default_factory=Narrow)
    _found: dict[str, tuple[Span, ...]] = field(default_factory=dict)

    def find(self, scored: EntityScore, limit: int = 3) -> tuple[NextStep, ...]:
        """A step for each of the strongest reasons that raise the score, at most `limit`, none of them twice."""
        steps: list[NextStep] = []
        for reason in strongest(scored):
            used = {(s.passage.doc_id, s.start) for s in steps}
            ranked = (s for s in self.ranked(query_of(reason)) if (s.passage.doc_id, s.start) not in used)
            span = next(ranked, None)
            if span is not None:
                steps.append(NextStep(span.text, reason.text, reason.feature, span.passage, span.start, span.end))
            if len(steps) == limit:
                break
        return tuple(steps)

    def ranked(self, query: str) -> tuple[Span, ...]:
        """What the guides say to do about `query`, most fitting first."""
        if query not in self._found:
            passages = guides(self.passages, query, self.scope, self.narrow)
            self._found[query] = rank_steps(query, passages)
        return self._found[query]


def strongest(scored: EntityScore) -> Iterator[Contribution]:
    """The reasons that raise a score, strongest first."""
    raising = (c for c in scored.contributions if c.logit >= WEAKEST)
    yield from sorted(raising, key=lambda c: (-c.logit, c.feature))


def query_of(reason: Contribution) -> str:
    """What to search for a reason: its own hint, else its words without the value, so that entities share it."""
    words = reason.next_step or re.sub(r"[-+]?\d[\d.,]*\s*%?", "", reason.text)
    return " ".join(words.replace("_", " ").split())


def guides(passages: PassageSearch, query: str, scope: Scope, narrow: Narrow) -> Sequence[Passage]:
    """Passages of general guides: of documents tagged as such where there are any, else about no entity at all."""
    tagged = frozenset(tag for tag in scope.tags if _GUIDE.search(tag))
    if tagged:
        found = passages.search(query, replace(scope, tags=tagged), k=CANDIDATES, narrow=narrow)
        if found:
            return found
    found = passages.search(query, scope, k=3 * CANDIDATES, narrow=narrow)
    return [p for p in found if not p.entities][:CANDIDATES]


def rank_steps(query: str, passages: Sequence[Passage]) -> tuple[Span, ...]:
    """The sentences that say what to do, best first: by the rank of their passage, their form and shared words."""
    asked = frozenset(terms(query))
    found: list[tuple[float, Span]] = []
    best = max((strength(p.score) for p in passages), default=1.0) or 1.0
    passages = [p for p in passages if strength(p.score) >= FITTING * best]
    shares = _shares(asked, passages)
    for place, passage in enumerate(passages):
        for span in spans(passage):
            if _NOT.search(span.heading) or not 12 <= len(span.text) <= LONGEST or span.text.endswith(("?", ":")):
                continue
            if not span.imperative and not _DO.search(span.heading):
                continue
            share = len(asked & frozenset(terms(span.text))) / max(1, len(asked))
            form = 0.2 * span.imperative + 0.2 * bool(_DO.search(span.heading))
            rank = strength(passage.score) / best - 0.08 * place + 0.6 * shares[passage.doc_id]
            found.append((rank + form + 0.3 * share, span))
    ordered = sorted(found, key=lambda item: (-item[0], item[1].passage.doc_id, item[1].start))
    return tuple(span for _, span in ordered)


def _shares(asked: frozenset[str], passages: Sequence[Passage]) -> Mapping[str, float]:
    """The share of the query's words that each document's title and found passages hold."""
    held: dict[str, set[str]] = {}
    for passage in passages:
        held.setdefault(passage.doc_id, set()).update(terms(f"{passage.title} {passage.heading} {passage.text}"))
    return {doc_id: len(asked & words) / max(1, len(asked)) for doc_id, words in held.items()}


def spans(passage: Passage) -> Iterator[Span]:
    """The sentences and list items of a passage in order, headings taken out and remembered."""
    lines = passage.text.splitlines(keepends=True)
    heading, block, begin, at = passage.heading, "", 0, 0
    for number, line in enumerate(lines):
        title = _heading(lines, number)
        if title:
            yield from _block(passage, block, begin, heading)
            heading, block, begin = title, "", at + len(line)
        else:
            block += line
        at += len(line)
    yield from _block(passage, block, begin, heading)


def _heading(lines: Sequence[str], number: int) -> str:
    """The heading that a line is, with or without marks; empty for text. A short line on its own above text is one."""
    marked = _HEADING.match(lines[number])
    if marked:
        return marked.group(1)
    line = lines[number].strip()
    alone = (number == 0 or not lines[number - 1].strip()) and number + 1 < len(lines) and not lines[number + 1].strip()
    follows = any(rest.strip() for rest in lines[number + 1 :])
    return line if alone and follows and _BARE_HEADING.fullmatch(line) else ""


def _block(passage: Passage, block: str, begin: int, heading: str) -> Iterator[Span]:
    for start, end in sentence_spans(block):
        first, last = passage.start + begin + start, passage.start + begin + end
        yield Span(block[start:end], first, last, heading, passage)
