"""Linking: the words of a question to what they may mean in the catalogue and in the stored values.

A `Mention` is a span of tokens with its candidates, best first; mentions do not overlap. Which candidate of each
mention is meant is decided by `assign`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import pairwise

from query.text2sql.lexicon import CUES, Entry, Lexicon
from query.text2sql.thesaurus import ARTICLES, COMPARATIVES, FUNCTION_WORDS, MEASURE_ADJECTIVES, SUPERLATIVES
from query.text2sql.tokens import Token, stem, value_key
from query.text2sql.values import StoredValue, ValueIndex

TURNED = frozenset({"type", "types", "kind", "kinds", "category", "categories", "status"})
EXTREMES = frozenset({"best", "worst", "top", "most", "least", "highest", "lowest", "fastest", "biggest"})
ARRANGING = frozenset({"order", "ordered", "sorted", "ranked", "grouped", "arranged", "listed"})
_CODE = re.compile(r"[A-Za-z]+[-_.]?[\w-]*\d[\w-]*")
MOST_CODE_TOKENS = 5
NEVER = frozenset({"named", "called", "titled", "how", "what", "which", "who", "whom", "whose", "when", "where", "why",
                   "is", "are", "was", "were", "do", "does", "did", "has", "have", "had", "many", "much"})  # fmt: skip
BEFORE_OF = frozenset(
    """number numbers total totals amount amounts quantity count counts order sum average mean minimum maximum min max
    type types kind kinds sort sorts percentage percent proportion ratio rate fraction share top bottom list lists set
    terms case cases group groups rank names name information details detail each any all some most least highest lowest
    largest smallest value values breakdown split first last rest end start beginning words letters use""".split()
)
WEAK = 0.83  # a mention whose best candidate scores no more may be none
NONE = 0.3
DETERMINERS = frozenset({"the", "a", "an", "their", "its", "his", "her", "all"})
LINKS = frozenset({"of", "for", "in", "to", "from", "by", "at", "on", "with"})
PARTICLES = frozenset({"up", "in", "out", "off", "on"})  # "signed up", "checked in"; not "by", which names who did it
LONGEST_PHRASE = 7
MOST_CANDIDATES = 10


@dataclass(frozen=True)
class Candidate:
    """One meaning of a mention. `kind` is table, column, value, metric, term or text (a quoted text that is stored
    nowhere); `columns` are the column (or first and last name); `value` the stored literal; `sense` is a word of
    comparison (">", "<", "max", "min") that the mention carries besides its column, as "oldest" does."""

    kind: str
    table: str = ""
    columns: tuple[str, ...] = ()
    target: str = ""
    value: str = ""
    score: float = 1.0
    sense: str = ""


@dataclass(frozen=True)
class Mention:
    """Tokens `first` up to (not including) `last`, and what they may mean, best first."""

    first: int
    last: int
    candidates: tuple[Candidate, ...]


class Linker:
    """Finds the mentions of a question."""

    def __init__(self, lexicon: Lexicon, values: ValueIndex) -> None:
        self._lexicon, self._values = lexicon, values

    def mentions(self, tokens: tuple[Token, ...], blocked: frozenset[int] = frozenset()) -> tuple[Mention, ...]:
        """The best cover of `tokens` by mentions; `blocked` tokens (periods) belong to none."""
        stems = [t.stem for t in tokens]
        chosen = self._cover(tokens, stems, blocked)
        covered = {i for m in chosen for i in range(m.first, m.last)} | blocked
        corrected = False
        for i, token in enumerate(tokens):
            if i in covered or token.kind != "word" or token.lower in FUNCTION_WORDS or self._lexicon.knows(token.stem):
                continue
            word = self._lexicon.correct(token.lower)
            if word is not None and stem(word) != stems[i]:
                stems[i], corrected = stem(word), True
        if corrected:
            chosen = self._cover(tokens, stems, blocked)
        return self._with_loose_values(tokens, chosen, blocked)

    def _cover(self, tokens: tuple[Token, ...], stems: list[str], blocked: frozenset[int]) -> tuple[Mention, ...]:
        spans = [m for i in range(len(tokens)) if i not in blocked for m in self._starting(tokens, stems, i, blocked)]
        best: list[tuple[float, tuple[Mention, ...]]] = [(0.0, ())] * (len(tokens) + 1)
        for end in range(1, len(tokens) + 1):
            best[end] = best[end - 1]
            for mention in spans:
                if mention.last != end:
                    continue
                weight = best[mention.first][0] + self._weight(tokens, mention)
                if weight > best[end][0] + 1e-9:
                    best[end] = (weight, (*best[mention.first][1], mention))
        return best[-1][1]

    @staticmethod
    def _weight(tokens: tuple[Token, ...], mention: Mention) -> float:
        words = sum(t.lower not in ARTICLES for t in tokens[mention.first : mention.last])
        top = mention.candidates[0]
        bonus = 0.15 * (words - 1) + (0.5 if tokens[mention.first].kind == "quoted" else 0.0)
        return words * top.score + bonus

    def _starting(
        self, tokens: tuple[Token, ...], stems: list[str], first: int, blocked: frozenset[int]
    ) -> list[Mention]:
        if tokens[first].lower in ARTICLES and tokens[first].kind == "word" and not tokens[first].capital:
            return []
        found: list[Mention] = []
        longest = max(LONGEST_PHRASE, self._values.longest + 3)  # full stops are tokens
        for last in range(first + 1, min(len(tokens), first + longest) + 1):
            if last - 1 in blocked or (tokens[last - 1].kind == "quoted" and last - first > 1):
                break
            candidates = self._candidates(tokens, stems, first, last)
            if candidates:
                found.append(Mention(first, last, candidates))
            if tokens[first].kind == "quoted":
                break
        return found

    def _candidates(self, tokens: tuple[Token, ...], stems: list[str], first: int, last: int) -> tuple[Candidate, ...]:
        span = tokens[first:last]
        found: list[Candidate] = []
        if tokens[last - 1].kind == "word" and span[0].kind == "word" and last - first <= LONGEST_PHRASE:
            phrase = tuple(
                s for s, t in zip(stems[first:last], span, strict=True) if t.lower not in ARTICLES and t.kind == "word"
            )
            if all(t.kind == "word" or t.text in "-/_" for t in span) and not _crosses(span):
                found.extend(self._named(phrase, tokens, first, last))
                verb = 2 if span[-1].lower in PARTICLES else 1
                if len(phrase) > verb and span[-verb].lower.endswith("ed") and self._is_table(phrase[:-verb]):
                    # "institutions founded after 1880", "customers signed up": rows, and what befell them
                    found = [c for c in found if c.kind != "column"]
                ofs = [at for at in range(first + 1, last) if tokens[at].lower == "of"]
                if ofs and self._is_table(tuple(stems[first : ofs[0]])):
                    found = [c for c in found if c.kind != "column"]  # "tickets of the category Billing" are tickets
                if last - first == 1 and tokens[last:]:
                    found.extend(self._shared_head(tokens, stems, first))
                if (
                    (last - first in (3, 4) or (last - first in (5, 6) and tokens[first].lower in TURNED))
                    and tokens[first + 1].lower == "of"
                    and (not self._is_table(phrase[1:]) or tokens[first].lower in TURNED)
                ):
                    turned = (*phrase[1:], phrase[0])
                    found.extend(replace(c, score=c.score * 0.95) for c in self._named(turned, tokens, first, last))
        found.extend(self._adjective(span))
        found.extend(self._stored(span, first == 0))
        if last - first == 1 and any(c.kind == "term" for c in found) and self._does(tokens, stems, first):
            word = span[0].lower  # "did they open this year" is no state
            found = [c for c in found if c.kind != "term" and (c.kind != "value" or c.value.lower() != word)]
        if last - first == 1 and first and tokens[first - 1].lower in ("in", "from") and span[0].lower.endswith("ing"):
            # "contacts in purchasing" hold such a title, and have not bought
            held = [_from_value(v, 1.0, "") for v in self._values.kinds(span[0].lower)]
            found = held or found
        if span[0].kind == "quoted" and not found:
            found.append(Candidate("text", value=span[0].text, score=0.9))
        found.extend(_named_by_value(found))
        if last - first == 1 and span[0].lower.endswith("ed"):
            # "renewed" is the status of a renewal rather than that there is one
            states = {c.table for c in found if c.kind == "value" and c.value.lower() == span[0].lower}
            found = [c for c in found if c.kind != "table" or c.table not in states]
        plain = last - first == 1 and not (span[0].capital and first > 0) and span[0].kind == "word"
        if plain and any(c.kind in ("table", "column", "metric") and c.score >= 0.9 for c in found):
            # a plain word that names a part of the catalogue is not somebody's name
            found = [c for c in found if c.kind != "value" or c.score >= 0.75]
        if any(c.kind in ("table", "metric", "term") and c.score >= 0.95 for c in found):
            least = 0.85 if any(c.kind == "table" and c.score >= 0.99 for c in found) else 0.6
            found = [c for c in found if c.score >= (least if c.kind == "table" else 0.6) or c.kind == "value"]
        return tuple(sorted(found, key=lambda c: -c.score)[:MOST_CANDIDATES])

    def _does(self, tokens: tuple[Token, ...], stems: list[str], at: int) -> bool:
        """True for what can be the verb of "how many tickets did Fell open": nothing that it describes follows."""
        before = [token.lower for token in tokens[:at]]
        asked = bool({"did", "does", "do"} & set(before)) and not {"have", "with"} & set(before)
        return asked and not (at + 1 < len(tokens) and self._is_table((stems[at + 1],)))

    def _shared_head(self, tokens: tuple[Token, ...], stems: list[str], first: int) -> list[Candidate]:
        """ "first" in "first and last names" is the first name."""
        at = first + 1
        while at + 1 < len(tokens) and tokens[at].lower in ("and", "or", ",") and tokens[at + 1].kind == "word":
            at += 2 if tokens[at + 1].lower not in ("and", "or") else 3
            if at < len(tokens) and tokens[at].kind == "word":
                found = self._lexicon.find((stems[first], stems[at]))
                known = self._lexicon.find((stems[at - 1], stems[at]))
                return [_from_entry(e) for e in found if e.score >= 0.9 and e.kind == "column"] if known else []
        return []

    def _is_table(self, phrase: tuple[str, ...]) -> bool:
        return any(e.kind == "table" and e.score >= 0.8 for e in self._lexicon.find(phrase))

    def _named(self, phrase: tuple[str, ...], tokens: tuple[Token, ...], first: int, last: int) -> list[Candidate]:
        """Candidates from the lexicon; words that the grammar needs ("number of", "total") name nothing alone."""
        if first == 0 and last == 1 and tokens[0].lower == "name" and _imperative(tokens):
            return []
        if last - first == 1 and tokens[first].lower in NEVER:
            return []
        if last - first == 1 and tokens[first].lower in ARRANGING and _arranges(tokens, first):
            return []
        if last - first == 1 and tokens[first].lower in CUES:
            following = tokens[last].lower if last < len(tokens) else ""
            plain = not tokens[first].capital or first == 0
            if tokens[first].lower in ("amount", "quantity") and following == "of":
                return self._amount(phrase, tokens, last)
            counting = following in ("than", "times") or (following == "of" and tokens[first].lower in BEFORE_OF)
            if counting or (plain and tokens[first].lower != "year"):
                return [
                    _from_entry(e)
                    for e in self._lexicon.find(phrase)
                    if e.score >= 0.94
                    and not counting
                    and tokens[first].lower
                    not in (
                        "number",
                        "total",
                        "average",
                        "most",
                        "in",
                        "on",
                        "at",
                        "by",
                        "no",
                        "first",
                        "last",
                        "count",
                        "all",
                    )
                ]
        if first > 1 and tokens[first - 1].text == "-" and tokens[first - 2].lower in EXTREMES:
            return []
        raw = " ".join(t.lower for t in tokens[first:last] if t.lower not in ARTICLES)
        return [_from_entry(e) for e in self._lexicon.said(phrase, raw)]

    def _amount(self, phrase: tuple[str, ...], tokens: tuple[Token, ...], last: int) -> list[Candidate]:
        """ "amount of T" is a column where T has one of that name; else it is a count."""
        near = {e.table for t in tokens[last : last + 5] for e in self._lexicon.find((t.stem,)) if e.kind != "column"}
        return [
            _from_entry(e)
            for e in self._lexicon.find(phrase)
            if e.score >= 0.94 and e.kind == "column" and (e.table in near or not near)
        ]

    def _adjective(self, span: tuple[Token, ...]) -> list[Candidate]:
        """ "older" names a column and a direction; so do "oldest" and "most expensive"."""
        word = span[-1].lower
        if len(span) == 2 and word == "old" and span[0].lower in ("years", "year", "how"):
            word = "age"
        elif len(span) > 1:
            return []
        superlative = word in SUPERLATIVES
        row: tuple[tuple[str, ...], int] | None = (("age",), 1) if word == "age" and len(span) == 2 else None
        row = row or COMPARATIVES.get(SUPERLATIVES.get(word, word)) or MEASURE_ADJECTIVES.get(word)
        if row is None:
            return []
        names, direction = row
        found = []
        for table in self._lexicon.tables:
            entry = self._lexicon.concept(table.name, names)
            column = table.column(entry.columns[0]) if entry else None
            if entry is None or column is None or (column.type == "text" and column.role == "name"):
                continue
            up = direction
            if word in ("older", "oldest", "younger", "youngest", "eldest") and _dated(column.type, column.label):
                up = -up
            sense = ("max" if up > 0 else "min") if superlative else (">" if up > 0 else "<")
            if word == "age":
                sense = ""
            elif word in MEASURE_ADJECTIVES:
                sense = "adjective"
            found.append(Candidate("column", table.name, entry.columns, score=0.8 * entry.score, sense=sense))
        return found

    def _stored(self, span: tuple[Token, ...], opening: bool) -> list[Candidate]:
        """Candidates from the value index for these exact tokens."""
        first = span[0]
        if (
            all(t.kind == "punctuation" for t in span)
            or first.text in "()[],;:?!"
            or (span[-1].kind == "punctuation" and span[-1].text in ",;:?!")
        ):
            return []
        if len(span) == 1 and (first.kind == "number" or (first.number is not None and not first.capital)):
            return []
        quoted = first.kind == "quoted"
        if len(span) == 1 and first.lower in FUNCTION_WORDS and not quoted and (not first.capital or opening):
            return []
        if all(t.kind == "punctuation" or (t.lower in FUNCTION_WORDS and not t.capital) for t in span) and not quoted:
            return []
        key = value_key(" ".join(t.text for t in span))
        score = 1.0 if quoted or len(span) > 1 else 0.97 if first.capital and not opening else 0.8
        if len(key) == 2 and not quoted and len(span) == 1 and not first.capital:
            return []  # "id" is no Idaho
        if len(key) == 1 and not quoted:
            score = 0.5 if first.capital and not opening else 0.0
        hits = self._values.exact(key) if score else []
        if not hits and len(span) <= MOST_CODE_TOKENS:
            hits = self._code(span)
        if not hits and not quoted and len(key) > 2:
            hits = self._values.stemmed(tuple(t.lower for t in span if t.kind != "punctuation"))
            score -= 0.1
        plain = len(span) == 1 and not quoted and (not first.capital or opening)
        return [_from_value(v, score - (0.3 if plain and not v.few else 0.0), key) for v in hits]

    def _code(self, span: tuple[Token, ...]) -> list[StoredValue]:
        """Keys such as "ORD-000339": letters and digits without a space."""
        if any(a.end != b.start for a, b in pairwise(span)):
            return []
        text = "".join(t.text for t in span)
        return self._values.code(text) if _CODE.fullmatch(text) else []

    def _with_loose_values(
        self, tokens: tuple[Token, ...], mentions: tuple[Mention, ...], blocked: frozenset[int]
    ) -> tuple[Mention, ...]:
        """Quoted texts and runs of capitalised words that are stored in part, or with a slip, link too."""
        taken = {i for m in mentions for i in range(m.first, m.last)} | blocked
        extra: list[Mention] = []
        kept = list(mentions)
        for mention in mentions:
            if mention.candidates[0].kind == "text":
                text = mention.candidates[0].value
                loose = self._loosely(text)
                if loose:
                    kept[kept.index(mention)] = replace(
                        mention, candidates=(*loose, replace(mention.candidates[0], score=0.4))
                    )
        i = 0
        while i < len(tokens):
            j = i
            while j < len(tokens) and j not in taken and tokens[j].kind in ("word", "number") and _proper(tokens, j, i):
                j += 1
            if j > i:
                loose = self._loosely(" ".join(t.text for t in tokens[i:j]))
                if loose:
                    extra.append(Mention(i, j, loose))
            i = max(j, i + 1)
        taken |= {i for m in extra for i in range(m.first, m.last)}
        for i, token in enumerate(tokens):
            if i not in taken and token.kind == "word" and token.number is None and _content(token):
                words = self._values.containing(token.lower)
                if words:
                    extra.append(Mention(i, i + 1, tuple(_like(v, token.lower) for v in words[:4])))
        return tuple(sorted((_or_none(m, tokens) for m in (*kept, *extra)), key=lambda m: m.first))

    def _loosely(self, text: str) -> tuple[Candidate, ...]:
        hits = [(v, 0.75) for v in self._values.within(text)] or [(v, 0.7) for v in self._values.close(text)]
        return tuple(_from_value(v, score, "") for v, score in hits)


def _or_none(mention: Mention, tokens: tuple[Token, ...]) -> Mention:
    """A weak mention of plain words may be none: "something", a verb that only sounds like a column."""
    first, best = tokens[mention.first], mention.candidates[0]
    if best.score > WEAK or first.kind != "word" or (first.capital and mention.first > 0) or best.kind == "metric":
        return mention
    return replace(mention, candidates=(*mention.candidates, Candidate("none", score=NONE)))


def _crosses(span: tuple[Token, ...]) -> bool:
    """True for words of which an article starts a new thing: "the stores the chain has"; "date of the loan" is one."""
    return span[-1].lower in ARTICLES or any(b.lower in DETERMINERS and a.lower not in LINKS for a, b in pairwise(span))


def _named_by_value(found: list[Candidate]) -> list[Candidate]:
    """ "support agents": another word for a table that is also a value of it means the rows with that value."""
    tables = {c.table: c for c in found if c.kind == "table" and c.score > 0.9}
    values = [c for c in found if c.kind == "value" and c.table in tables and " " in c.target]
    return [replace(tables[v.table], columns=v.columns, value=v.value, score=1.03) for v in values[:1]]


def _arranges(tokens: tuple[Token, ...], at: int) -> bool:
    """True where "order" is about the order of the rows: "order by", "in descending order", "order all T by C"."""
    following = tokens[at + 1].lower if at + 1 < len(tokens) else ""
    before = tokens[at - 1].lower if at else ""
    directed = before.endswith(("ending", "asing", "betical", "graphical", "logical")) or before == "alphabetic"
    command = at == 0 and tokens[at].lower == "order" and following in ("all", "the", "by")
    return (
        following in ("by", "in")
        or following.endswith(("ending", "easing"))
        or directed
        or command
        or (before == "the" and following == "of")
    )


def _imperative(tokens: tuple[Token, ...]) -> bool:
    """ "Name the three ..." asks; "Name of the ..." is a column."""
    return len(tokens) > 1 and (
        tokens[1].lower in ("the", "all", "every", "each", "some", "our", "any") or tokens[1].number is not None
    )


def _proper(tokens: tuple[Token, ...], at: int, start: int) -> bool:
    token = tokens[at]
    if token.kind == "number":
        return at > start
    return token.capital and at > 0 and token.lower not in FUNCTION_WORDS


def _content(token: Token) -> bool:
    return token.lower not in FUNCTION_WORDS and len(token.lower) > 3


def _dated(kind: str, label: str) -> bool:
    """True for columns where older means smaller: birth dates, founding years."""
    return kind in ("date", "datetime") or any(w in label.lower() for w in ("birth", "year", "found", "built", "open"))


def _like(value: StoredValue, word: str) -> Candidate:
    return Candidate("value", value.table, (value.column,), word, value.literal, score=0.5, sense="like")


def _from_entry(entry: Entry) -> Candidate:
    return Candidate(entry.kind, entry.table, entry.columns, entry.target, score=entry.score, sense=entry.sense)


def _from_value(value: StoredValue, score: float, key: str) -> Candidate:
    few = 0.02 if value.few else 0.0
    return Candidate("value", value.table, (value.column,), key, value.literal, score=score + few)
