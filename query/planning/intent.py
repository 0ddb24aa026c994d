"""What a question wants done, beside what it asks: drafts, a chart, pictures, a score, a search in texts.

`read_intent` cuts those clauses out, so that what is left (`body`) is a plain question over tables or passages.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from index.catalogue.model import Catalogue, Entity, Score
from query.plan import DraftKind

_DO = r"(?:draft|write|compose|prepare|create|generate|make|send|produce|suggest)"
_MAIL = r"(?:e-?mails?|mails?|letters?|messages?|drafts?|follow-?ups?(?!\s+(?:e-?)?(?:mail|letter|message)))"
_EACH = re.compile(
    r"^(?:each|every|all|both)?(?:\s*(?:one|of (?:them|these|those)|them|these|those|such|customers?|accounts?))?$",
    re.I,
)
_DRAFT = re.compile(
    rf"(?:[,;]?\s*\b(?:and|then|also|please)\b\s*)*\b{_DO}\b(?P<what>(?:(?!\b(?:for|to)\b)[^.?!;]){{0,80}}?\b{_MAIL}\b)"
    r"(?:\s+(?:to|for)\s+(?P<whom>[^.?!;]*?))?(?=\s*(?:,?\s*(?:including|with|about|mentioning)\b|,|[.?!;]|$))"
    r"(?P<topics>\s*,?\s*(?:including|with|about|mentioning)\b[^.?!;]*)?",
    re.I,
)
_DESCRIPTION = re.compile(
    rf"\b{_DO}\b(?P<what>[^.?!;]*?)\bdescriptions?\b(?P<more>[^.?!;]*?)\s+(?:for|of)\s+(?P<whom>[^.?!;]*?)"
    r"(?=\s*(?:,|\bwithout\b|[.?!;]|$))",
    re.I,
)
_LIFESTYLE = re.compile(r"\b(?:lifestyle|campaign|mood)\s+(?:images?|pictures?|photos?|shots?)\b", re.I)
_SCENE = re.compile(
    rf"^\s*(?:please\s+)?{_DO}\b[^.?!;]*?\b(?:lifestyle|campaign|mood)\s+(?:images?|pictures?|photos?|shots?)\s+(?:of|for)\s+"
    r"(?P<whom>[^.?!;]+)",
    re.I,
)
_WITH = re.compile(r"\s*,?\s*with\b(?![^.?!;]*\b(?:information|info|details?|data)\b)", re.I)
_PICTURES = re.compile(r"\b(?:images?|pictures?|photos?)\b", re.I)
_VAGUE = re.compile(r"\b(?:information|info|details?|data|terms?|conditions?|the|their|its|our)\b", re.I)
_CHART = re.compile(
    rf"(?:[,;]?\s*\b(?:and|with|then|as|in|including)\b\s*)*(?:\b(?:{_DO}|show|draw|plot|add|include|give me)\b\s*)?"
    r"(?:\b(?:it|this|them|a|an|the|corresponding|suitable|matching|bar|line|pie|simple)\b\s*)*"
    r"\b(?:chart|graph|plot|diagram|visuali[sz]ation)\b(?:\s+(?:of|for|showing)\b(?!\s+(?:it|this|them)\b))?",
    re.I,
)
_DRAW_VERB = re.compile(r"^\s*(?:please\s+)?(?:plot|chart|graph|visuali[sz]e|draw)\b(?:\s+me)?", re.I)
_NEXT_STEPS = re.compile(
    r"(?:[,;]?\s*\band\b\s*)?(?:\b(?:suggest|recommend|propose|list|give)\b[^.?!;]*?)?\bnext steps?\b"
    r"(?:(?!\s+for\b)[^.?!;,])*"
    r"|^\s*what (?:should|can|could) (?:we|i) do (?:about|for|with)\b"
    r"|(?<=\w),?\s+(?:and\s+)?what (?:should|can|could) (?:we|i) do\b[^.?!;]*",
    re.I,
)
_TREND = re.compile(r"\b(?:trends?|develop(?:ed|s|ment|ing)?|evol(?:ved?|ution)|over time)\b", re.I)
_MODAL = (
    r"(?:might|may|could|will|would|is going to|are going to|going to|about to|likely to|in danger of|at risk of|"
    r"risk of|close to|want to|thinking (?:of|about))(?:\s+(?:probably|possibly|soon|well))?"
)
_MODAL_PHRASE = re.compile(rf"{_MODAL}\s+(\w+?)(?:ing)?$", re.I)
_SCORE_LEAD = r"(?:\b(?:are|is|being|who|that|which|most|currently|have|has|a|an|high|the)\b\s*)*"
_SAID = (
    r"(?:complain(?:s|ed|ing|ts?)?|mention(?:s|ed|ing)?|report(?:s|ed|ing)|wrote|threaten(?:s|ed|ing)?|"
    r"raised|unhappy|asked|asking|talk(?:s|ed|ing)?|speak(?:s|ing)?|written|spoke|said|say|says|saying|tickets? about|"
    r"frustrated|dissatisfied|angry|issues? with|problems? with)"
)
_TEXT = re.compile(
    rf"(?P<lead>\b(?:and|but|that|who|which|have|has|had|also|are|were|is|did|do|does)\b\s*)*\b(?P<verb>{_SAID})\b"
    r"(?P<about>\s+(?:about|with|of|over|that|to|regarding|on|for|in)\b)?(?P<rest>[^.?!;]*)",
    re.I,
)

_WHO_DOES = re.compile(r"^\s*who\s+(?P<verb>[a-z]{2,})s\s+(?=\S)", re.I)
_AND_ARE = re.compile(
    r",?\s+(?:and|but)\s+(?:also\s+)?(?P<rest>(?:(?:who|which|that)\s+)?(?:is|are|has|have|had|was|were|did|do|does)\s+\w.*)",
    re.I,
)
_LIST_BY = re.compile(
    r"^\s*(?:please\s+)?(?:list|rank|sort|order|show)\s+(?:me\s+)?(?:(?:all|the|our|of)\s+)*(?P<what>[a-z]+)\s+by\s+"
    r"(?:their\s+|total\s+)?(?P<by>[a-z][a-z ]*?)\s*[.?!]*$",
    re.I,
)
_ENDS_SAID = re.compile(rf"\b{_SAID}$", re.I)


@dataclass(frozen=True)
class Intent:
    """A question taken apart. `body` is what is left to answer. `condition` is a clause with "with" behind whom a draft
    is for: what the draft speaks of ("with a price list") or whom it goes to ("with more than 3 open tickets")."""

    question: str
    body: str
    draft: DraftKind | None = None
    draft_entity: str | None = None
    chart: bool = False
    trend: bool = False
    pictures: bool = False
    lifestyle: bool = False
    next_steps: bool = False
    topics: tuple[str, ...] = ()
    condition: str = ""
    score: Score | None = None
    said: str = ""
    said_verb: str = ""
    said_subject: str = ""


def read_intent(question: str, catalogue: Catalogue) -> Intent:
    """Take `question` apart along the vocabulary of `catalogue`; never fails, at worst everything is `body`."""
    text = re.sub(r"\bat-risk\b", "at risk", " ".join(question.split()), flags=re.I)
    text = _ranked_by(_agent_named(text, catalogue), catalogue)
    body, draft, entity, topics, pictures, lifestyle = _drafting(text, catalogue)
    clause = _DRAFT.search(text) if topics and not pictures else None
    wants_steps = bool(_NEXT_STEPS.search(body))
    body = _NEXT_STEPS.sub(" ", body)
    chart = bool(_CHART.search(body) or _DRAW_VERB.search(body))
    body = _DRAW_VERB.sub("show", body) if _DRAW_VERB.search(body) else _CHART.sub(" ", body)
    score, body = _score(body, catalogue)
    said = said_in(body)
    if draft is None and score is not None and lifestyle:
        draft = None
    if draft == "follow_up" and score is not None:
        draft = "retention"
    return Intent(
        question=text,
        body=_tidy(body),
        draft=draft,
        draft_entity=entity,
        chart=chart,
        trend=bool(_TREND.search(body)),
        pictures=pictures,
        lifestyle=lifestyle,
        next_steps=wants_steps,
        topics=topics,
        condition=clause["topics"].strip(" ,") if clause and _WITH.match(clause["topics"]) else "",
        score=score,
        said=said.about if said else "",
        said_verb=said.verb if said else "",
        said_subject=said.subject if said else "",
    )


def _agent_named(text: str, catalogue: Catalogue) -> str:
    """ "Who owns X" as "Who is the owner of X", where the catalogue calls a reference by such a noun."""
    found = _WHO_DOES.match(text)
    if found is None:
        return text
    columns = (c for table in catalogue.tables for c in table.columns if c.role == "reference")
    called = {word for c in columns for label in (c.label, *c.synonyms) for word in label.lower().split()}
    stem = found["verb"].lower()
    nouns = [noun for noun in (f"{stem}er", f"{stem}r", f"{stem}or", f"{stem.removesuffix('e')}or") if noun in called]
    return f"Who is the {nouns[0]} of {text[found.end() :]}" if nouns else text


def _ranked_by(text: str, catalogue: Catalogue) -> str:
    """ "List customers by revenue" as "Revenue per customer", where the catalogue calls a metric so."""
    found = _LIST_BY.match(text)
    entity = _entity_in(found["what"], catalogue) if found else None
    if found is None or entity is None:
        return text
    measures = {name.lower() for metric in catalogue.metrics for name in (metric.name, metric.label, *metric.synonyms)}
    return f"{found['by']} per {entity.name}" if found["by"].lower() in measures else text


@dataclass(frozen=True)
class Said:
    """What a question asks to have been said: by whom (`subject`), the verb, and about what."""

    subject: str
    verb: str
    about: str


def said_in(body: str) -> Said | None:
    """The clause of `body` that asks for what somebody said ("customers who complained about zips")."""
    found = _TEXT.search(body)
    if found is None:
        return None
    subject = _tidy(body[: found.start()] or body[: found.start("verb")])
    about, also = found["rest"], _AND_ARE.search(found["rest"])
    if also:  # "complained about late delivery and are up for renewal": the records know the second
        about, subject = about[: also.start()], f"{subject} {also['rest'].strip()}"
    return Said(subject, found["verb"].lower(), _tidy(about))


def _drafting(text: str, catalogue: Catalogue) -> tuple[str, DraftKind | None, str | None, tuple[str, ...], bool, bool]:
    """The question without its drafting clause, and what that clause says."""
    lifestyle = bool(_LIFESTYLE.search(text))
    found = _DESCRIPTION.search(text)
    if found:
        said = found["what"] + " " + found["more"]
        entity = _entity_in(said, catalogue) or _entity_in(found["whom"], catalogue) or _pictured(catalogue)
        if entity is not None:
            return found["whom"], "product_description", entity.name, (), False, lifestyle
    found = _DRAFT.search(text)
    if not found and (made := _SCENE.search(text)):
        pictured = _pictured(catalogue)
        if pictured is not None:
            return made["whom"], "product_description", pictured.name, (), False, lifestyle
    if not found:
        return text, None, None, (), False, lifestyle
    topics = _topics(found["topics"] or "")
    whom = (found["whom"] or "").strip()
    if found["topics"] and _ENDS_SAID.search(whom):  # "who complained about zips" says to whom, not about what
        whom, topics = f"{whom} {found['topics'].strip()}", ()
    rest = (text[: found.start()] + " " + text[found.end() :]).strip(" ,.;")
    body = rest if not whom or (_EACH.match(whom) and rest) else f"{rest} {whom}".strip()
    entity = _entity_in(body, catalogue)
    clause = found.group(0).lower()
    kind: DraftKind = "retention" if re.search(r"\bretention|retain|win[- ]?back|churn", clause) else "follow_up"
    return (
        body,
        kind,
        entity.name if entity else None,
        topics,
        bool(_PICTURES.search(found["topics"] or "")),
        lifestyle,
    )


def without_draft(text: str, catalogue: Catalogue) -> str:
    """`text` without the clause that asks for a draft."""
    return _drafting(" ".join(text.split()), catalogue)[0]


def _topics(clause: str) -> tuple[str, ...]:
    clause = re.sub(r"^\s*,?\s*(?:including|with|about|mentioning)\b", "", clause, flags=re.I)
    parts = (_VAGUE.sub("", part).strip() for part in re.split(r",|\band\b", clause) if not _PICTURES.search(part))
    return tuple(part for part in parts if part)


def _entity_in(text: str, catalogue: Catalogue) -> Entity | None:
    """The entity that `text` names first, by name, table label or synonym."""
    best: tuple[int, Entity] | None = None
    for entity in catalogue.entities:
        table = catalogue.table(entity.table)
        words = {entity.name, *entity.synonyms, *((table.label, *table.synonyms) if table else ())}
        for word in words:
            found = re.search(rf"\b{re.escape(word)}(?:s|es)?\b", text, re.I)
            if found and (best is None or found.start() < best[0]):
                best = (found.start(), entity)
    return best[1] if best else None


def _pictured(catalogue: Catalogue) -> Entity | None:
    """The entity that has pictures, which "descriptions for the summer collection" are of."""
    tables = {t.name for t in catalogue.tables if any(c.role == "image" for c in t.columns)}
    return next((e for e in catalogue.entities if e.table in tables), None)


def _score(body: str, catalogue: Catalogue) -> tuple[Score | None, str]:
    """The score that `body` speaks of, and `body` without the words for it."""
    for score in catalogue.scores:
        phrases = sorted({score.name.replace("_", " "), score.label, *score.synonyms}, key=len, reverse=True)
        patterns = [re.escape(phrase) for phrase in phrases]
        verbs = {found.group(1) for phrase in phrases if (found := _MODAL_PHRASE.match(phrase))}
        if verbs:
            stems = "|".join(re.escape(verb.rstrip("e")) for verb in sorted(verbs))
            patterns.append(rf"{_MODAL}\s+(?:{stems})(?:e|ing|es|s)?\b(?:\s+(?:us|our company))?")
        for pattern in patterns:
            found = re.search(rf"{_SCORE_LEAD}\b{pattern}(?!\w)", body, re.I)
            if found is None and verbs:
                found = _feared(stems, body)
                if found:
                    return score, found["who"]
            if found:
                return score, f"{body[: found.start()]} {body[found.end() :]}"
    return None, body


def _feared(stems: str, body: str) -> re.Match[str] | None:
    """ "The risk that X leaves us, and how we can lower it": whom it is about."""
    lead = r"(?:\b(?:risk|chance|probability|likelihood|danger|odds|likely is it|probable is it) (?:that|of)|"
    lead += r"^\s*why (?:might|may|could|would|will))\b"
    return re.search(rf"{lead}\s*(?P<who>.+?)\s+(?:{stems})(?:e?s?|ing)\b", body, re.I)


def _tidy(text: str) -> str:
    text = re.sub(r"\s+([,.?!;])", r"\1", " ".join(text.split()))
    return re.sub(r"^(?:and|then|,|;)\s+|(?:,|;|\band\b|\bfor each\b)\s*[.?!]?$", "", text, flags=re.I).strip(" ,;.")
