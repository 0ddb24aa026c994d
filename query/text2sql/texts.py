"""Rules for parts of texts: what a column contains, starts or ends with."""

from __future__ import annotations

import re

from query.text2sql.draft import Draft
from query.text2sql.logical import ColumnRef, Condition
from query.text2sql.thesaurus import FUNCTION_WORDS

_LIKE = re.compile(
    r"\b([CT]\d+)(?: that| which| who)? (?:[a-z]+ ){0,3}?(NOT |!= )?(?:have |has |with |do |does )?"
    r"(contain|contains|contained|containing|include|includes|including|like|start|starts|started|starting"
    r"|begin|begins|beginning|end|ends|ending)"
    r"(?: (?P<how>with|in|by|on|from))?(?: the| a| an)?(?: (?:word|words|letter|letters|substring"
    r"|string|phrase|text|prefix|suffix|character|keyword|name))?s? ([QVN]\d+|(?!the\b|a\b"
    r"|an\b|word|letter|sub|string|phrase|at\b|in\b|with\b|all\b|more\b|any\b|each\b|some\b"
    r"|no\b)[a-z]+)\b"
)
_WORD_IN = re.compile(
    r"\b(NOT )?(?:have|has|with|having|contains?|containing|includes?) (?:the |a )?(?:word|letter"
    r"|substring|string|phrase|text|name)s? ([QVN]\d+) (?:in|as part of) (?:the |their |its "
    r"|his |her )*(C\d+)\b"
)
_HAS_QUOTED = re.compile(r"\b(C\d+) (?:has|have) (?:an? |the )?([QV]\d+)\b")
_QUOTED_IN = re.compile(
    r"\b(?:have|has|with|having|contains?|containing|includes?) ([QV]\d+) in (?:the |their |its |his |her )+(C\d+)\b"
)
_LIKE_AGAIN = re.compile(
    r"(F\d+) (or|and) (?:that )?(contain|start|begin|end)s?(?:ning|ing)?(?: with| in| by)?(?: the)?"
    r"(?: (?:letter|word|text|string))? ([QV]\d+)"
)
_PLAIN_IN = re.compile(
    r"\b(?:have|has|with|having|contains?|containing) (?:the )?([a-z]{2,}) in (?:their|its|the) (C\d+)\b"
)
_HAS_WORD = re.compile(
    r"\b(C\d+) (?:[a-z]+ ){0,2}?(?:has|have|with|having|contains?)(?: the| a)? (?:word|letter"
    r"|substring|string|phrase|text)s? ([QV]\d+|[a-z]+)\b"
)


def texts(draft: Draft) -> None:
    """ "C containing 'x'", "C starting with 'x'"."""

    def like(
        name: str, negated: str | None, verb: str, text: str, how: str = "with", before: str = "..."
    ) -> str | None:
        ref = (draft.refs(name) if name.startswith("C") else draft.names_of(draft.candidate(name).table))[0]
        column = draft.column(ref)
        if column is None or (column.type in ("integer", "number") and text[0] not in "QV"):
            return None
        if verb[:3] in ("sta", "beg", "end") and how not in ("with", "in", "from"):
            return None
        if verb[:3] in ("sta", "beg", "end") and how != "with" and not text.startswith("Q"):
            return None
        if text[0] in "QVN" and text[1:].isdigit():
            text = draft.symbol(text).text
        elif len(text) > 3 and verb in ("include", "includes", "including", "like", "with", "end", "start"):
            return None
        verb = verb[:3]
        pattern = f"{text}%" if verb in ("sta", "beg") else f"%{text}" if verb == "end" else f"%{text}%"
        kept = draft.keep(Condition(ref, "not like" if negated else "like", (pattern,)))
        asked = re.match(r"(?:what (?:is|are)|show|list|find|give me|return|which)(?: the| all| me)* ?$", before)
        return f" {name} {kept} " if name.startswith("T") or asked else kept

    def again(match: re.Match[str]) -> str | None:
        held = draft.filters[match[1]][0]
        if not isinstance(held, Condition) or held.operator != "like" or not isinstance(held.left, ColumnRef):
            return None
        text, verb = draft.symbol(match[4]).text, match[3]
        pattern = f"{text}%" if verb in ("start", "begin") else f"%{text}" if verb == "end" else f"%{text}%"
        return f" {match[1]} {match[2]} {draft.keep(Condition(held.left, 'like', (pattern,)))} "

    draft.sentence.take(
        _HAS_QUOTED, lambda m: like(m[1], None, "contain", m[2]) if _of_column(draft, m[1], m[2]) else None
    )
    draft.sentence.take(_QUOTED_IN, lambda m: like(m[2], None, "contain", m[1]))
    draft.sentence.take(_WORD_IN, lambda m: like(m[3], m[1], "contain", m[2]))
    draft.sentence.take(_LIKE, lambda m: like(m[1], m[2], m[3], m[5], m["how"] or "", m.string[: m.start()]))
    draft.sentence.take(_LIKE_AGAIN, again)
    draft.sentence.take(_PLAIN_IN, lambda m: like(m[2], None, "contain", m[1]) if m[1] not in FUNCTION_WORDS else None)
    draft.sentence.take(_HAS_WORD, lambda m: like(m[1], None, "contain", m[2]))


def _of_column(draft: Draft, column: str, text: str) -> bool:
    """True for a text that is stored nowhere, or in that column: "has churned" says nothing of a name."""
    return text.startswith("Q") or draft.candidate(text).columns[:1] == draft.candidate(column).columns[:1]
