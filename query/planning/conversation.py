"""Follow-up questions: "and in APAC?", "only those in Germany", "draft it for the second one".

A follow-up is read together with the turn before it, as one question that stands by itself; that question is shown, so
that the asker sees what was carried over. What stands by itself already is left as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from index.catalogue.model import Catalogue
from query.plan import Link
from query.planning.entity_names import Named
from query.planning.intent import read_intent, without_draft
from query.planning.population import Names, TableReader
from query.text2sql.thesaurus import FUNCTION_WORDS

MOST_REFERENTS = 20  # entities that "them" may stand for
_ALSO = re.compile(
    r"^\s*(?:(?:ok(?:ay)?|and|now|so|then|but)\b[\s,]*)*"
    r"(?:(?:what|how) about|same (?:for|in)|the same (?:for|in)|compared (?:to|with)|show me|also)?\b\s*",
    re.I,
)
_ONLY = re.compile(
    r"^\s*(?:and\b\s*)?(?:(?:show\s+(?:me\s+)?|list\s+|keep\s+)?(?:only|just)\s+(?:the\s+|those\s+|these\s+|ones?\s+)*"
    r"|(?:which|who|how many) of (?:them|those|these)\b\s*|of (?:those|these|them),?\s*(?:which|who|only)?\b\s*"
    r"|(?:those|the ones|these)\s+(?=with|above|below|over|under|in|that|who|from|without|which|more|less)"
    r"|(?=(?:excluding|except|without)\b))(?:ones?\s+)?",
    re.I,
)
_LISTING = re.compile(
    r"^\s*(?:please\s+)?(?:show\b(?:\s+me)?\s*|list\b(?:\s+all)?\s*|give me\s+|name\b\s*)?"
    r"(?:which\b|what\b|who are\b)?\s*(?:the\s+|our\s+)?",
    re.I,
)
_RANKED = re.compile(r"\b(?:top|best|biggest|largest|highest|lowest|most|least|first|last|latest)\b", re.I)
_MANY = re.compile(r"^\s*(?:and\b\s*)?how many\s+(?:of (?:them|those|these)|are (?:there|they|those|these))\b", re.I)
_CHART = re.compile(
    r"^\s*(?:(?:and|now|please|can you)\b\s*)*(?:(?:show|draw|plot|make|give|create|put)\b\s*)?(?:me\s+)?"
    r"(?:(?:it|that|this|them|those)\b\s*)?(?:(?:as|in|into|of|with)\b\s*)?(?:an?\s+)?(?:bar\s+|line\s+|pie\s+)?"
    r"(?:chart|graph|plot|diagram)(?:\s+(?:of|for)\s+(?:it|that|this|them|those))?\s*[?.!]*\s*$",
    re.I,
)
_BY = re.compile(
    r"^\s*(?:(?:and|now|please)\b\s*)*(?:(?:break|split|group|show)\s+(?:it|that|this|them|those)\s*(?:down|up)?\s*)?"
    r"(?:the same\s+)?(?P<by>(?:by|per|for each|broken down by)\b\s+(?P<what>[^?.!]+?))\s*[?.!]*\s*$",
    re.I,
)
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_NTH = re.compile(
    rf"\b(?:the\s+)?(?:(?P<word>{'|'.join(_ORDINALS)}|last)|(?P<number>\d{{1,2}})(?:st|nd|rd|th))"
    r"(?:\s+(?P<count>two|three|four|five|\d{1,2}))?"
    r"(?:\s+(?P<noun>ones?|customers?|accounts?|compan(?:y|ies)|products?|row|result|of (?:them|those|these)))?"
    r"(?=\s*(?:[?.!,;'’]|$|\b(?:at|is|are|was|in|and|with|doing|have|has|leaving|likely|to|by|complain\w*|about)\b))",
    re.I,
)
_THEIRS = re.compile(r"\b(?:their|its|his|her)\b(?!\s+own\b)", re.I)
_THEM = re.compile(
    r"\b(?:each of (?:them|those|these)|(?:all|both|any) of (?:them|those|these)|them|they|those|these"
    r"|(?:these|those|that|this|the same)\s+(?:customers?|accounts?|compan(?:y|ies)|products?|ones?)"
    r"|(?<=for )(?:each(?: one)?|every one|everyone|all)(?=\s*[?.!]*$)"
    r"|(?<=to )(?:each(?: one)?|every one|everyone|all)(?=\s*[?.!]*$))\b",
    re.I,
)
_IT = re.compile(r"\b(?:it|he|she|him|her)\b", re.I)
_DRAFT_IT = re.compile(
    r"\b(?P<verb>draft|write|compose|prepare|send)\s+(?:it|that|one|this|them an?|(?:an?\s+)?(?:e-?)?mails?|"
    r"(?:an?\s+)?letters?)\b(?:\s+(?:for|to)\b)?",
    re.I,
)
_BEFORE_AMOUNT = re.compile(r"^(?:(?:that|which|who)\s+(?:are|have|is)\s+)?(?:with\s+)?", re.I)
_BARE_AMOUNT = re.compile(
    r"^(?:(?:that|which|who)\s+(?:are|have|is)\s+)?(?:with\s+)?(?:above|over|below|under|more than|less than|at least|"
    r"at most|up to|exceeding|greater than)\s+[€$£]?\s*\d[\d.,]*\s*(?:k|m|million|thousand|euros?|eur|%|percent)?$",
    re.I,
)
_JOINED = re.compile(r"^(?:in|from|with|without|excluding|except|of|by|that|who|which|for|since|before|after)\b", re.I)
_VERB = re.compile(
    r"^(?:are|is|have|has|had|did|do|does|were|was|can|will|\w+ed|owe|complain|placed|bought|need)\b", re.I
)
_NUMBER_WORDS = {"two": 2, "three": 3, "four": 4, "five": 5}
_CLAUSE = re.compile(
    r"\b(?:which|who|what|when|where|why|how|list|show|is|are|do|does|did|has|have|can|draft|tell)\b", re.I
)
_PREPOSITION = re.compile(r"\b(in|from|for|of|by|at|on|during|to)\s+(?:the\s+|our\s+)?$", re.I)


@dataclass(frozen=True)
class Turn:
    """A question as it was understood, and the entities that its answer listed, in that order."""

    question: str
    named: tuple[Named, ...] = ()


@dataclass(frozen=True)
class Resolved:
    """A question that stands by itself; `carried` when it was read together with an earlier one. `asked` is a question
    back where the follow-up leaves open what it means."""

    question: str
    carried: bool = False
    asked: str = ""


@dataclass(frozen=True)
class FollowUps:
    """Resolves follow-ups with what links the words of a question to the catalogue."""

    catalogue: Catalogue
    tables: TableReader
    names: Names

    def resolve(self, question: str, earlier: Turn | None) -> Resolved:
        """`question` as one that stands by itself; itself where there is no earlier turn or nothing to carry over."""
        if earlier is None:
            return Resolved(question)
        readers: tuple[Callable[[str, Turn], Resolved | None], ...] = (
            self._charted, self._by, self._referring, self._counted, self._restricted, self._replaced,
        )  # fmt: skip
        text = " ".join(question.split())
        return next((found for read in readers if (found := read(text, earlier)) is not None), Resolved(question))

    # --- what is done with the same rows -----------------------------------------------------------------------------

    def _charted(self, text: str, earlier: Turn) -> Resolved | None:
        if not _CHART.match(text):
            return None
        return _carried(f"{_bare(earlier.question)}, as a chart")

    def _by(self, text: str, earlier: Turn) -> Resolved | None:
        """ "by country": in place of an earlier breakdown, else added."""
        found = _BY.match(text)
        if found is None or (
            not self.tables.links(found["by"]) and not re.search(r"\b(?:day|week|month|quarter|year)\b", found["what"])
        ):
            return None
        base = _bare(earlier.question)
        for old in re.finditer(r"\b(?:by|per|for each)\s+(?:\w+\s+)??(\w+)(?=$|[\s,])", base, re.I):
            grain = re.fullmatch(r"(?:day|week|month|quarter|year)s?", old[1], re.I)
            if grain or any(
                k.kind in ("column", "metric") and k.start >= old.start() and k.end <= old.end()
                for k in self.tables.links(base)
            ):
                return _carried(f"{base[: old.start()]}{found['by']}{base[old.end() :]}")
        return _carried(f"{base} {found['by']}")

    def _counted(self, text: str, earlier: Turn) -> Resolved | None:
        """ "how many are there?" after a list."""
        found = _MANY.match(text)
        if found is None:
            return None
        base = _LISTING.sub("", _bare(without_draft(earlier.question, self.catalogue)))
        rest = _bare(text[found.end() :])
        return _carried(f"How many {base} {rest}".strip())

    # --- words that stand for entities of the turn before ----------------------------------------------------------

    def _referring(self, text: str, earlier: Turn) -> Resolved | None:
        if _ONLY.match(text) or self.names.find(text):
            return None
        listed = earlier.named[:MOST_REFERENTS]
        chosen, spot = _nth(text, listed)
        if spot is None:
            chosen, spot = self._meant(text, earlier, listed)
        if spot is None or not chosen:
            return None
        said = _listed([n.name for n in chosen])
        start, end, possessive = spot
        if possessive:
            said += "'s"
        gap = " " if start and text[start - 1].isalnum() else ""
        resolved = f"{text[:start]}{gap}{said}{text[end:]}"
        return _carried(self._drafted(resolved, earlier, said))

    def _meant(
        self, text: str, earlier: Turn, listed: Sequence[Named]
    ) -> tuple[Sequence[Named], tuple[int, int, bool] | None]:
        """Whom a pronoun stands for: "it" for one entity, "they" for those that were listed, else for the one named."""
        asked = [m.meant[0] for m in self.names.find(earlier.question) if len(m.meant) == 1]
        one = asked[:1] if asked else listed[:1] if len(listed) == 1 else ()
        many = listed if listed else one
        draft = _DRAFT_IT.search(text)
        for pattern, possessive in ((_THEM, False), (_THEIRS, True), (_IT, False)):
            for found in pattern.finditer(text):
                if draft and draft.start() <= found.start() < draft.end():
                    continue
                single = (
                    pattern is _IT
                    or found.group().lower() in ("its", "his", "her")
                    or found.group().lower().startswith(("that ", "this "))
                )
                return (one if single else many), (found.start(), found.end(), possessive)
        if draft and not text[draft.end() :].strip(" ?.!") and many:
            return many, (draft.end(), len(text), False)
        return (), None

    def _drafted(self, text: str, earlier: Turn, said: str) -> str:
        """ "draft it for X" names the kind of letter that the turn before spoke of."""
        found = _DRAFT_IT.search(text)
        if found is None:
            return text
        intent = read_intent(earlier.question, self.catalogue)
        kind = "a retention e-mail" if intent.score is not None or intent.draft == "retention" else "a follow-up e-mail"
        rest = text[found.end() :].strip()
        return f"{text[: found.start()]}{found['verb']} {kind} for {rest or said}"

    # --- the same question with other words ------------------------------------------------------------------------

    def _restricted(self, text: str, earlier: Turn) -> Resolved | None:
        """ "only those in Germany": the question before, with one condition more."""
        found = _ONLY.match(text)
        if found is None:
            return None
        rest = _bare(text[found.end() :])
        if not rest:
            return None
        chosen, place = _nth(f"the {rest}", earlier.named)
        if place is not None and chosen and place[1] == len(f"the {rest}"):
            return _carried(f"Tell me about {_listed([n.name for n in chosen])}")
        base = _bare(without_draft(earlier.question, self.catalogue))
        if earlier.named and _RANKED.search(base) and not _BARE_AMOUNT.match(rest):
            names = _listed([n.name for n in earlier.named[:MOST_REFERENTS]])
            return _carried(f"Which {self._called(earlier.named)} {names} {_verbal(rest)}?")
        if _BARE_AMOUNT.match(rest):
            measure = self._measure(base)
            if measure is None:
                return Resolved(text, asked=f"“{rest}” of which figure do you mean?")
            rest = f"with {measure} {_BEFORE_AMOUNT.sub('', rest)}"
        same = self._swapped(base, rest) if re.match(r"^(?:in|from)\b", rest, re.I) else None
        if same is not None:
            return _carried(same)
        links = self.tables.links(rest)
        if links and links[0].start == 0 and links[0].kind in ("value", "period"):
            return _carried(f"{base} for {rest}")
        return _carried(f"{base} {rest if _JOINED.match(rest) else f'that {_verbal(rest)}'}")

    def _called(self, named: Sequence[Named]) -> str:
        """The word for entities of one kind, in the plural."""
        entity = self.catalogue.entity(named[0].entity)
        table = self.catalogue.table(entity.table) if entity else None
        return f"of the {table.label.lower()}" if table and table.label else "of"

    def _measure(self, base: str) -> str | None:
        """The words of the figure that the question before speaks of."""
        for link in self.tables.links(base):
            if link.kind == "metric" or (link.kind == "column" and self._is_measure(link.target)):
                return link.text
        return None

    def _is_measure(self, target: str) -> bool:
        name, _, column = target.partition(".")
        table = self.catalogue.table(name)
        found = table.column(column) if table else None
        return found is not None and found.role == "measure"

    def _replaced(self, text: str, earlier: Turn) -> Resolved | None:
        """ "and in APAC?": what the fragment names takes the place of its like in the question before."""
        lead = _ALSO.match(text)
        at = lead.end() if lead else 0
        rest = _bare(text[at:])
        if not rest or len(rest.split()) > (8 if at else 4) or _CLAUSE.search(rest) is not None:
            return None
        swapped = self._swapped(_bare(earlier.question), rest)
        return _carried(swapped) if swapped is not None else None

    def _swapped(self, base: str, rest: str) -> str | None:
        """`base` with every linked thing of `rest` in the place of its like, or behind where it has none."""
        news = [
            link
            for link in self.tables.links(rest)
            if link.kind in ("value", "period", "metric", "term", "table", "column")
        ]
        named = [m for m in self.names.find(rest) if len(m.meant) == 1]
        if named:
            return _named_swapped(base, rest[named[0].start : named[-1].end], self.names)
        if not news or self._strange(rest, news):
            return None
        text, added = base, []
        for first, last in _runs(news, rest):
            olds = self.tables.links(text)
            if first.kind == "column" and any(k.target == first.target for k in olds):
                continue  # said already, and no other one
            old, said = _like(first, olds, text, rest), rest[first.start : last.end]
            if old is not None:
                said = f"number of {said}" if (first.kind, old.kind) == ("table", "metric") else said
                text = f"{text[: old.start]}{said}{text[_end_of_run(old, olds, text) :]}"
            elif first.kind in ("value", "period"):
                added.append(f"{_lead(rest, first)}{said}")
            else:
                return None
        return " ".join([text, *added]).strip()

    def _strange(self, rest: str, news: Sequence[Link]) -> bool:
        """True where `rest` has a word of content that nothing in it is tied to."""
        words = re.finditer(r"[^\W\d_]{2,}", rest)
        return any(
            w.group().lower() not in FUNCTION_WORDS and not any(k.start <= w.start() < k.end for k in news)
            for w in words
        )


def _verbal(condition: str) -> str:
    """A condition with its verb: "in Germany" as "are in Germany"."""
    return condition if _VERB.match(condition) else f"are {condition}"


def _carried(question: str) -> Resolved:
    text = " ".join(question.split()).strip()
    return Resolved(text[:1].upper() + text[1:], carried=True)


def _bare(text: str) -> str:
    return text.strip().rstrip("?.! ").strip()


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def _nth(text: str, listed: Sequence[Named]) -> tuple[Sequence[Named], tuple[int, int, bool] | None]:
    """Whom "the second one", "the first two", "the last" mean among those that were listed."""
    found = _NTH.search(text)
    if found is None or not listed or not (found["noun"] or found.group().lower().startswith("the ")):
        return (), None
    count = _NUMBER_WORDS.get((found["count"] or "").lower()) or int(found["count"] or 1)
    word = (found["word"] or "").lower()
    if word == "last":
        chosen = listed[-count:]
    else:
        at = _ORDINALS.index(word) if word else int(found["number"]) - 1
        chosen = listed[at : at + count]
    possessive = text[found.end() : found.end() + 2] in ("'s", "’s")
    return chosen, (found.start(), found.end() + 2 * possessive, possessive)


def _like(new: Link, olds: Sequence[Link], base: str, rest: str) -> Link | None:
    """What `new` takes the place of: the same column's value, the period, the measure; else what stands behind the
    same preposition ("in EMEA" for "in Japan")."""
    kinds = {"metric": ("metric",), "term": ("term", "metric"), "table": ("table", "term", "metric")}.get(
        new.kind, (new.kind,)
    )
    same = [k for k in olds if k.kind in kinds and (new.kind != "value" or k.target == new.target)]
    if new.kind in ("value", "period", "metric", "term", "table") and same:
        return same[0]
    if new.kind != "value":
        return None
    lead = _PREPOSITION.search(rest[: new.start])
    table = new.target.partition(".")[0]
    for old in olds:
        before = _PREPOSITION.search(base[: old.start])
        if (
            lead
            and before
            and old.kind == "value"
            and lead[1].lower() == before[1].lower()
            and old.target.partition(".")[0] == table
        ):
            return old
    return None


def _end_of_run(old: Link, olds: Sequence[Link], base: str) -> int:
    """Where the values of a column joined by "and" and "or" end, so that all of them are replaced."""
    end = old.end
    for other in olds:
        joined = other.start >= end and re.fullmatch(r"\s*(?:,|and|or)\s*(?:the\s+)?", base[end : other.start])
        if joined and other.kind == old.kind and other.target == old.target:
            end = other.end
    return end


def _runs(links: Sequence[Link], text: str) -> list[tuple[Link, Link]]:
    """First and last of the links of one kind and target that "and", "or" and commas join."""
    runs: list[tuple[Link, Link]] = []
    for link in links:
        if runs:
            first, last = runs[-1]
            joined = re.fullmatch(r"\s*(?:,|and|or)\s*(?:the\s+)?", text[last.end : link.start], re.I)
            if joined and (link.kind, link.target) == (first.kind, first.target):
                runs[-1] = (first, link)
                continue
        runs.append((link, link))
    return runs


def _lead(rest: str, link: Link) -> str:
    """The preposition before a link, with a space behind it."""
    lead = _PREPOSITION.search(rest[: link.start])
    return f"{lead[1] if lead else 'in'} "


def _named_swapped(base: str, said: str, names: Names) -> str | None:
    """`base` with another entity's name in the place of the one that it names."""
    held = names.find(base)
    return f"{base[: held[0].start]}{said}{base[held[-1].end :]}" if held else None
