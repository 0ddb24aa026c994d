"""A question as a typed sentence: mentions become symbols (T0 a table, C1 a column, V2 a stored value, N3 a number,
P4 a period, M5 a metric, K6 a term, Q7 a text stored nowhere) between lower-case words, so that query shapes are
patterns over short strings. Comparisons become `>`, `>=`, `<`, `<=`, `!=`; superlatives `^` (most) and `~` (least).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from query.text2sql.linking import Candidate, Mention
from query.text2sql.logical import Expression
from query.text2sql.periods import Period
from query.text2sql.thesaurus import FUNCTION_WORDS
from query.text2sql.tokens import Token

LETTERS = {"table": "T", "column": "C", "value": "V", "metric": "M", "term": "K", "text": "Q"}
GAP = " ¦ "


@dataclass(frozen=True)
class Symbol:
    """What a symbol stands for: exactly one of the fields besides `name` is set (a value or"
    " column by `candidate`)."""

    name: str
    candidate: Candidate | None = None
    number: float | None = None
    period: Period | None = None
    expression: Expression | None = None
    text: str = ""


# (pattern, replacement), applied in order to the lower-case sentence
_NORMALISE: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (
(
r"\b(?:not equal to|not the same as|different from|other than|not in|not from|except(?:"
r" for)?|excluding|are not|is not|was not|were not|isn t|isn't|aren't|not|outside(?: of)?"
r")(?= (?:the )?(?:[a-z]+ )?[VQN]\d)"
), "!="),
        (
(
r"\b(?:greater|more|larger|higher|bigger|later) than or equals?(?: to)?\b|\b(?:no|not)"
r" (?:less|fewer|lower|smaller) than\b|\bat least\b|\bminimum of(?= N)"
), ">="),
        (
(
r"\b(?:less|fewer|smaller|lower) than or equals?(?: to)?\b|\b(?:no|not) (?:more|greater"
r"|higher|larger) than\b|\bat most\b|\bup to(?= N)|\bmaximum of(?= N)"
), "<="),
        (
(
r"\b(?:strictly |a )?(?:greater|more|larger|higher|bigger|better|longer|heavier|taller)"
r" (?:[a-z]+ )?than\b|\b(?:exceed(?:s|ing|ed)?|surpass(?:es|ing)?|beyond)\b|\b(?:over"
r"|above|after)(?= (?:the )?(?:average|mean|maximum|minimum|that of|those of|N\d))"
), ">"),
        (
(
r"\b(?:strictly |a )?(?:less|fewer|smaller|lower|shorter|lighter|cheaper) (?:[a-z]+ "
r")?than\b|\b(?:below|under|before)(?= (?:the )?(?:average|mean|maximum|minimum|that of|those of|N\d))"
), "<"),
        (r"\b(?:above|over)\b(?= C\d+ average)", ">"),
        (r"(N\d+) (?:or|and) (?:more|above|higher|greater|over|larger|longer|older)\b", r">= \1"),
        (r"(N\d+) (?:or|and) (?:less|fewer|below|lower|under|smaller|shorter|younger)\b", r"<= \1"),
        (r"(N\d+) (?:or|and) C\d+ ([<>])(?! ?=? ?(?:than )?N)", r"\2= \1"),
        (r"\bmore (C\d+)( than)?\b", r"\1 >"),
        (r"\bless (C\d+)( than)?\b", r"\1 <"),
        (r",? ?(?:the )?(?:\^|highest|largest|biggest|best|most) first\b", " DOWN"),
        (r",? ?(?:the )?(?:~|lowest|smallest|least|fewest) first\b", " UP"),
        (r"\bthe (?:last|latest|most recent)(?: one)?(?= (?:to|who|that)\b)", "the ^date"),
        (r"\bthe first(?: one)?(?= (?:to|who|that)\b)", "the ~date"),
        (r"([<>]=?) than\b", r"\1"),
        (r"([<>]=?) as (?:long|high|large|much|many|big|old|tall|heavy|good) as\b", r"\1"),
        (r"\b(?:most recent(?:ly)?|latest|newest|last)(?= (?:N\d+ )?(?:[VK]\d+ )?T\d)", "^date"),
        (r"\b(?:earliest|first)(?= (?:N\d+ )?(?:[VK]\d+ )?T\d)", "~date"),
        (r"\b(with|has|have|had|having|whose)( the| a)? (?:maximum|max)\b", r"\1\2 ^"),
        (r"\b(with|has|have|had|having|whose)( the| a)? (?:minimum|min)\b", r"\1\2 ~"),
        (r"\b(?:most recent(?:ly)?|latest|newest)\b", "^date"),
        (r"\b(?:earliest|oldest)\b", "~date"),
        (
(
r"\b(?:highest|largest|greatest|biggest|most|best|top|maximal|strongest|busiest)(?:(?: - "
r"| )(?:ranked|rated|ranking|selling|performing|paid|paying|spending|valued|earning"
r"|grossing))?\b"
), "^"),
        (
(
r"\b(?:lowest|smallest|least|fewest|minimal|worst|bottom|weakest)(?:(?: - | )(?:ranked"
r"|rated|ranking|selling|performing|paid|paying|spending|valued))?\b"
), "~"),
        (r"\b(?:various|distinct|unique)\b", "different"),
        (r"\b(?:combinations? of|list of|set of|pairs? of)(?= (?:the |all |different )*[TC]\d)", ""),
        (r"\b(?:mean|avg)\b", "average"),
        (r"\b(?:maximum|max)\b", "maximum"),
        (r"\b(?:minimum|min)\b", "minimum"),
        (r"\btotal (?:number|count|amount|quantity)s? of\b", "total number of"),
        (r"\b(?:number|count|amount|quantity)s? of\b", "number of"),
        (r"^(?:order|sort|rank|arrange) (?!by)(.*?) (by|from|in|according to|based on)\b", r"\1 ordered \2"),
        (r"\b(?:types?|kinds?|sorts?) of (?=[TC]\d)", ""),
        (r"([\^~]) (?:maximum|minimum) ", r"\1 "),
        (
            r"[\^~] (N\d+) ([a-z]+|[TC]\d+) (with|having|by|(?:who|that|which) ha(?:ve|s|d))( the)? ([\^~])",
            r"\1 \2 \3\4 \5",
        ),
        (r"([\^~]) (?:total )?number of (?=(?:different )?(?:[a-z]+ |[VK]\d+ ){0,2}[TCM]\d)", r"\1 "),
        (
(
r"\b(?:the )?(?:time|date|year|day)s? (?:when |that |at which |in which |on which )?(?:they|it|he|she)"
r"(?: (?:were|was|have|had))? (?=C\d)"
), ""),
        (r"\bfor (?:all )?(?:the )?different (?=C\d)", "each "),
        (r"\bhow many\b", "howmany"),
        (r"\b(?:(?:for|of|in|by|per|at|from|with|to|on|within|under) )?(?:each|every|per)(?: of)?(?: the)?\b", "each"),
        (r"\b(?:spread|distributed|divided|split) (?:over|across|among|between)\b|\b(?:broken|break) down by\b", "by"),
        (r"\bhow much(?: money)?\b", "howmuch"),
        (r"\bhow often\b", "howoften"),
        (
(
r"\bwhat (?:do|does|did) (?:they|it|these|those) (?:add up to|sum to|sum up to|total"
r"|amount to|come to)\b"
), "howmuch"),
        (r"(N\d+) (?:euros?|dollars?|usd|eur|gbp|francs|bucks)\b", r"\1"),
        (r"(N\d+) (?:a|per|each) (?:year|month|week|day|quarter)\b", r"\1"),
        (
(
r"\b(?:worth|valued at|totalling|totaling|amounting to|of)(?= (?:[<>]=?|!=|more than|less"
r" than|over|above|under|below|at least) N\d)"
), "worth"),
        (
(
r"\b(?:doesn't|don't|didn't|do not|does not|did not|have not|has not|had not|haven't"
r"|hasn't|never|have never|has never|are not|were not|is not|was not|cannot|can not"
r"|aren't|isn't|weren't|wasn't)\b"
), "NOT"),
        (r"\bnot\b", "NOT"),
        (r"\b(?:that|which|where|whom) no (T\d+) (?:has|have|had|is|was|were|are|did|does)\b", r"NOT have \1"),
        (r"\b(?:but|and) no (?=T\d)", "NOT have "),
        (r"\bwithout\b", "NOT have"),
        (r"\b(?:have|has|had|with|having|there are|there is) no\b", "NOT have"),
    )
)  # fmt: skip


class Sentence:
    """A mutable typed sentence. `text` shrinks as patterns take their part of it."""

    def __init__(self, text: str, symbols: dict[str, Symbol]) -> None:
        self.text, self.symbols = text, symbols
        self.original = text
        self.question = text

    def symbol(self, name: str) -> Symbol:
        """The symbol of that name."""
        return self.symbols[name]

    def add(self, letter: str, expression: Expression) -> str:
        """A new symbol for an expression; its name."""
        name = f"{letter}{len(self.symbols)}"
        self.symbols[name] = Symbol(name, expression=expression)
        return name

    def take(self, pattern: re.Pattern[str], use: Callable[[re.Match[str]], str | None]) -> None:
        """Replace every match of `pattern` by what `use` returns; None leaves the match as it is."""

        def replaced(match: re.Match[str]) -> str:
            result = use(match)
            return match.group() if result is None else result

        text, found = pattern.subn(replaced, self.text)
        if found:
            self.text = squeeze(text)

    def left(self) -> tuple[str, ...]:
        """The content words that no pattern and no mention explains."""
        return tuple(
            w for w in re.findall(r"(?<![\w^~])[a-z][a-z'-]+", self.text) if w not in FUNCTION_WORDS and w != "howmany"
        )


def squeeze(text: str) -> str:
    """One space between words."""
    return " ".join(text.split())


def build(
    tokens: tuple[Token, ...],
    chosen: tuple[tuple[Mention, Candidate], ...],
    periods: tuple[Period, ...],
    blocked: frozenset[int],
) -> Sentence:
    """The typed sentence of a question under one choice of meanings. Tokens of `blocked` say nothing but time."""
    starts = {m.first: (m, c) for m, c in chosen}
    opening = {next((i for i, t in enumerate(tokens) if t.start >= p.start), -1): p for p in periods}
    symbols: dict[str, Symbol] = {}
    parts: list[str] = []
    i = 0
    while i < len(tokens):
        token = tokens[i]
        if i in opening:
            name = f"P{len(symbols)}"
            symbols[name] = Symbol(name, period=opening[i], text=opening[i].label)
            parts.append(name)
        if i in blocked:
            i += 1
            continue
        if i in starts:
            mention, candidate = starts[i]
            if candidate.kind == "none":
                parts.extend(t.lower for t in tokens[mention.first : mention.last])
                i = mention.last
                continue
            if candidate.kind == "table" and candidate.value:
                name = f"V{len(symbols)}"
                symbols[name] = Symbol(name, candidate=replace(candidate, kind="value"), text=candidate.value)
                parts.append(name)
                candidate = replace(candidate, value="", columns=())
            name = f"{LETTERS[candidate.kind]}{len(symbols)}"
            text = " ".join(t.text for t in tokens[mention.first : mention.last])
            symbols[name] = Symbol(name, candidate=candidate, text=text)
            parts.append(_with_sense(name, candidate.sense))
            if candidate.kind == "term" and candidate.sense == "noun":
                name = f"T{len(symbols)}"
                table = Candidate("table", candidate.table, score=candidate.score)
                symbols[name] = Symbol(name, candidate=table, text=text)
                parts.append(name)
            i = mention.last
            continue
        if _letter(tokens, i):
            name = f"Q{len(symbols)}"
            symbols[name] = Symbol(name, candidate=Candidate("text", value=token.text), text=token.text)
            parts.append(name)
        elif token.number is not None or _counts_one(tokens, i):
            name = f"N{len(symbols)}"
            symbols[name] = Symbol(name, number=1.0 if token.number is None else token.number, text=token.text)
            parts.append(name)
        else:
            parts.append(token.lower)
        i += 1
    sentence = Sentence(normalised(" ".join(parts)), symbols)
    sentence.question = " ".join(t.lower for t in tokens)
    return sentence


def _letter(tokens: tuple[Token, ...], i: int) -> bool:
    """ "A" is a text in "starts with A" and "the letter A"."""
    before = tokens[i - 1].lower if i else ""
    ahead = tokens[i - 2].lower if i > 1 else ""
    started = before == "with" and ahead.startswith(("start", "begin", "end", "initial"))
    return re.fullmatch(r"[A-Z]", tokens[i].text) is not None and (started or before in ("letter", "character"))


def _counts_one(tokens: tuple[Token, ...], i: int) -> bool:
    """ "one" is a number after "than", "least", "exactly"; elsewhere it is a pronoun."""
    return (
        tokens[i].lower in ("one", "once")
        and i > 0
        and tokens[i - 1].lower in ("than", "least", "most", "exactly", "only", "just", "have", "has", "had", "made")
    )


def _with_sense(name: str, sense: str) -> str:
    if sense in (">", "<"):
        return f"{name} {sense}"
    return f"{'^' if sense == 'max' else '~'} {name}" if sense in ("max", "min") else name


def normalised(text: str) -> str:
    """The sentence with comparisons, superlatives, counts and negations in their short forms."""
    text = squeeze(text)
    for pattern, replacement in _NORMALISE:
        text = pattern.sub(replacement, text)
    return squeeze(text)
