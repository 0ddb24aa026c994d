"""What a guide lets us offer, turned to the customer: the guide's own words behind a fixed opening, or nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence

from index.documents import Passage
from index.vectors.keywords import terms
from query.evidence import CitationBook, Sentence, Slot
from query.scoring.next_steps import Span, spans

_OFFER = re.compile(r"\b(?:offer|propos\w*|remedy|say|response|give)\b", re.IGNORECASE)
_NOT = re.compile(r"\b(?:when|measure|do not|goal|purpose|trigger|escalat\w*|internal)\b", re.IGNORECASE)
_INTERNAL = re.compile(
    r"\b(?:their|them|they|the customer\w*|the client\w*|the account\w*|accounts?|churn\w*|risk\w*|"
    r"escalat\w*|approv\w*|director|crm|internal\w*|margin|corridor|dunning|upsell\w*|health|owner|"
    r"competitor\w*|before any|only if|never|not?)\b",
    re.IGNORECASE,
)
_GIVE = frozenset({"offer", "propose", "grant", "provide", "give"})
_WILL = frozenset(
    "add appoint arrange assign book bring convert correct credit deliver extend fix freeze hand introduce invite move "
    "name open organise pause refund reimburse repair replace resolve review schedule send set settle ship solve train "
    "upgrade visit waive".split()
)
_CLAUSE = re.compile(r",? and |[,;] |: ")
SHORTEST = 15


def offer_from(candidates: Sequence[Span], book: CitationBook) -> Sentence | None:
    """The first of `candidates` that can be said to a customer, as a cited sentence; those under offers go first."""
    ordered = sorted(candidates, key=lambda span: not _OFFER.search(span.heading))
    for span in ordered:
        if _NOT.search(span.heading):
            continue
        sentence = offer_sentence(span, book)
        if sentence is not None:
            return sentence
    return None


def offer_sentence(span: Span, book: CitationBook) -> Sentence | None:
    """`span` said to a customer: an opening of ours, then its words as they stand; None where they are for us only."""
    text = _outward(span.text.rstrip(" ."))
    first = re.match(r"([A-Za-z]+)\s+", text)
    if first is None or len(text) - first.end() < SHORTEST:
        return None
    word = first.group(1)
    if word.lower() in _GIVE:
        opening = "I would like to offer you "
    elif word.lower() in _WILL:
        opening = f"We will {word.lower()} "
    elif span.imperative or not _OFFER.search(span.heading):
        return None  # something for us to do, or no offer at all
    else:
        opening = f"I can offer you {word.lower()} "
    return Sentence((opening, quote_slot(span, first.end(), len(text), book), "."))


def _outward(text: str) -> str:
    """The part of a sentence before the first clause that is not for a customer's eyes; empty when there is none."""
    found = _INTERNAL.search(text)
    if found is None:
        return text
    ends = [match.start() for match in _CLAUSE.finditer(text, 0, found.start())]
    kept = text[: ends[-1]] if ends else ""
    return kept if " and " in kept else kept.partition(", ")[0]  # no list that has lost its last item


def quote_slot(span: Span, start: int, end: int, book: CitationBook) -> Slot:
    """A slot that quotes characters `start` to `end` of the span's text."""
    quote = span.text[start:end]
    citation = book.cite(
        "passage",
        span.passage.source,
        doc_id=span.passage.doc_id,
        start=span.start + start,
        end=span.start + end,
        quote=quote,
    )
    return Slot(" ".join(quote.split()), quote, citation)


def topic_quote(topic: str, needed: Sequence[str], passages: Sequence[Passage], book: CitationBook) -> Sentence | None:
    """The sentence of `passages` that says most about `topic`, quoted whole; it must speak of all of `needed`
    (in itself, or its document's title or heading)."""
    asked = frozenset(terms(topic))
    best: tuple[float, Span] | None = None
    for place, passage in enumerate(passages):
        for span in spans(passage):
            text = span.text.casefold()
            around = f"{text} {passage.title} {span.heading}".casefold()
            share = len(asked & frozenset(terms(span.text))) + 0.5 * len(asked & frozenset(terms(around)))
            if not share or len(span.text) > 300 or not all(word.casefold() in around for word in needed):
                continue
            direct = sum(word.casefold() in text for word in needed)
            figure = bool(re.search(r"\d", span.text))
            score = share / max(1, len(asked)) + 0.5 * direct + 0.4 * figure - 0.05 * place
            if best is None or score > best[0]:
                best = (score, span)
    return Sentence((quote_slot(best[1], 0, len(best[1].text), book),)) if best else None
