"""The checker of finished text: an answer or a draft with its `[n]` marks, whoever wrote or edited it.

A text is cut into segments, each with the marks behind it. What a segment's citations hold is taken out of it; what is
left of figures, known names and links has no source. A mark whose value is not written in its segment is a wrong one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from index.masking.invisible import visible
from query.drafts.localise import english
from query.evidence import Citation
from query.format import as_date, as_decimal, date, day, first, text, writes
from query.names import NameDictionary
from query.proof.prove import loose_figures

_MARKS = re.compile(r"(?:\s*\[\d+\](?!\())+")
_NUMBER = re.compile(r"[-−+]?[€$£¥]?(?:[A-Z]{3} )?[-−]?\d[\d,]*(?:\.\d+)?(?:\s?%)?")
_LINK = re.compile(
    r"\b[a-z][a-z0-9+.-]{1,15}://\S+|\bwww\.\S+|\b(?:javascript|data|vbscript|file|mailto|tel):\S+|"
    r"[\w.+-]+@[\w-]+\.[\w.-]+|\b(?:[a-z0-9-]+\.)*[a-z0-9-]{3,}\.(?!\d)[a-z]{2,}(?=[/?#:\s]|\W*$)(?:[/?#:]\S*)?|"
    r"(?<![:/\w])//[\w-]+\.\S+|\bxn--\S+",
    re.IGNORECASE,
)
_MARKDOWN_LINK = re.compile(
    r"\]\s*\(([^)]*)\)|\]\s*\[[^\]\d][^\]]*\]|^\s*\[[^\]]+\]:\s*\S+|!\[|<[a-z!/][^>]*>", re.I | re.M
)
_SHOWN = 60


@dataclass(frozen=True)
class Finding:
    """Something about a text that does not hold: a stable code, what it is, and the words it stands in."""

    code: str
    message: str
    where: str = ""


@dataclass(frozen=True)
class TextCheck:
    """Checks texts against `citations`. `names` are known names, of which only those in `own` may stand without a
    citation; `stated` are phrases that may be repeated (the question, labels); `language` is the text's."""

    citations: Mapping[int, Citation]
    names: NameDictionary | None = None
    own: Sequence[str] = ()
    stated: Sequence[str] = ()
    language: str = "en"

    def body(self, written: str) -> tuple[Finding, ...]:
        """What does not hold in a text with marks."""
        found: list[Finding] = []
        if visible(written).text != written:
            found.append(Finding("invisible", "it holds characters that do not show"))
        for segment, marks in segments(written):
            found += self._segment(segment, marks, strict=True)
        return tuple(dict.fromkeys(found))

    def line(self, written: str) -> tuple[Finding, ...]:
        """What does not hold in a line without marks, such as a subject: any citation may prove it."""
        shown = visible(written).text
        found = [Finding("invisible", "it holds characters that do not show", written)] if shown != written else []
        return tuple(dict.fromkeys([*found, *self._segment(shown, tuple(self.citations), strict=False)]))

    def _segment(self, segment: str, marks: Sequence[int], *, strict: bool) -> Iterator[Finding]:
        where = " ".join(segment.split())[:_SHOWN]
        left = english(segment.replace("\\|", "|"), self.language)
        written = " ".join(left.split())
        for number in marks:
            citation = self.citations.get(number)
            if citation is None:
                yield Finding("unknown_citation", f"there is no source [{number}]", where)
                continue
            if strict and not is_written(citation, written):
                yield Finding("wrong_citation", f"what [{number}] cites is not what is written", where)
        held = [self.citations[number] for number in marks if number in self.citations]
        held.sort(key=lambda c: -len(str(c.value)))  # a first name must not eat into the address that begins with it
        for whole in (True, False):  # "6 June" of one date must not eat into the "6 June 2026" of another
            for citation in held:
                left = without(citation, left, whole=whole)
        for phrase in sorted((p for p in self.stated if p), key=len, reverse=True):
            left = re.sub(rf"(?<!\w){re.escape(phrase)}(?!\w)", " ", left)
        for link in links(left):
            yield Finding("link", f"{link[:_SHOWN]!r} is a link or an address without a source", where)
        for figure in loose_figures(_LINK.sub(" ", left)):
            yield Finding("unproven_figure", f"{figure!r} has no source", where)
        for name in self._foreign(left):
            yield Finding("unproven_name", f"the name {name!r} has no source", where)

    def _foreign(self, left: str) -> tuple[str, ...]:
        allowed = {" ".join(name.split()) for name in self.own}
        return tuple(n for n in self.names.find(left) if n not in allowed) if self.names else ()


def segments(written: str) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The pieces of a text, each with the marks behind it; the end of a line ends a piece."""
    for line in written.splitlines():
        last = 0
        for match in _MARKS.finditer(line):
            yield line[last : match.start()], tuple(int(n) for n in re.findall(r"\d+", match.group()))
            last = match.end()
        if line[last:].strip(" .,:;|*"):
            yield line[last:], ()


def links(written: str) -> tuple[str, ...]:
    """Everything in a text that leads somewhere: links, pictures and markup of Markdown and HTML, bare addresses."""
    found = [match.group(1) or match.group() for match in _MARKDOWN_LINK.finditer(written)]
    return tuple(dict.fromkeys([*found, *(match.group() for match in _LINK.finditer(written))]))


def is_written(citation: Citation, segment: str) -> bool:
    """True when the text `segment` (on one line) writes what `citation` holds."""
    if citation.kind == "row":
        return True
    if citation.kind == "passage":
        return _quoted(citation) in segment
    value = citation.value
    if value is None:
        return False
    if isinstance(value, bool):
        return re.search(r"\b(?:yes|true)\b" if value else r"\b(?:no|false)\b", segment, re.I) is not None
    if as_date(value) is not None or isinstance(value, str):
        return any(_standing(form).search(segment) for form in _forms(citation))
    return any(writes(token.group().strip(), value) for token in _NUMBER.finditer(segment))


def without(citation: Citation, segment: str, *, whole: bool) -> str:
    """`segment` with a space in place of what `citation` proves: its `whole` forms, or all of them."""
    value = citation.value
    if as_decimal(value) is not None:
        return _NUMBER.sub(lambda m: " " if writes(m.group().strip(), value) else m.group(), segment)
    for form in _forms(citation)[: 1 if whole else None]:
        segment = _standing(form).sub(" ", segment)
    return segment


def _forms(citation: Citation) -> tuple[str, ...]:
    """How a text, a date or a quotation may be written, longest first."""
    value = citation.value
    if citation.kind == "passage":
        forms = [_quoted(citation)]
    elif as_date(value) is not None:
        forms = [date(value), day(value), str(as_date(value)), str(value)]
    elif isinstance(value, str):
        forms = [text(value), first(value) if (citation.column or "").endswith("name") else ""]
    else:
        forms = []
    return tuple(sorted({form for form in forms if form}, key=len, reverse=True))


def _standing(form: str) -> re.Pattern[str]:
    words = r"\s+".join(re.escape(word) for word in form.split())
    return re.compile(rf"(?<![\w@]){words}(?![\w@])", re.IGNORECASE)


def _quoted(citation: Citation) -> str:
    """A quotation as it may be written: marks go before its full stop."""
    return _flat(citation.quote or "").rstrip(".?!:")


def _flat(written: str) -> str:
    return " ".join(written.split())
