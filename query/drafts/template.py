"""Templates of drafts: Markdown files with typed slots, read into values.

A file begins with words for its readers; then come blocks, each under a line that begins with `@`:

    @subject | @greeting | @paragraph | @closing | @signature
    @driver WORDS      used when a strong reason of the score matches the regular expression
    @each FACT         repeated for each row of a fact; `row` is the fact in it
    @offers            used when the guides offer something for the reasons; the offers follow as a list
    @bullets           its sentences become a list
    @facts N           lists facts by their labels, when fewer than N (3) of them are told before

A line `@or` divides alternative wordings. A slot is `{{fact.column|style}}`; `{{a.b, c.d}}` takes the first that is
there; `{{fact.column|list}}` names several rows. `{{?fact.column}}` and `{{!fact.column}}` print nothing, but ask that
the value is there or is not; `{{?a.b < c.d}}` compares (also >, =, !=). A
sentence with a slot that finds nothing drops out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import resources
from pathlib import Path

from index.errors import UsageError
from query.format import STYLES

KINDS = frozenset(
    {"subject", "greeting", "paragraph", "closing", "signature", "driver", "each", "offers", "bullets", "facts"}
)
_SLOT = re.compile(r"\{\{(.*?)\}\}")
_SENTENCE_END = re.compile(r"(?<=[.?])\s+(?=[^a-z])|(?<=\}\})\s+(?=\{\{)")
_COMPARISON = re.compile(r"(\S+)\s+(<|>|=|!=)\s+(\S+)")


@dataclass(frozen=True)
class SlotRef:
    """A slot as written: the places to look, first found wins, and the style; or a condition that prints nothing.

    `test` is `?` (there), `!` (not there), `<`, `>`, `=`, `!=` (compares the two places), or empty for a slot that
    prints.
    """

    places: tuple[tuple[str, str], ...]
    style: str = "auto"
    test: str = ""


Part = str | SlotRef


@dataclass(frozen=True)
class SentenceTemplate:
    """Fixed words and slot references in order."""

    parts: tuple[Part, ...]


@dataclass(frozen=True)
class BlockTemplate:
    """One block: its kind, what its header says behind that, and its alternative wordings."""

    kind: str
    argument: str
    alternatives: tuple[tuple[SentenceTemplate, ...], ...]

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The header's argument as a regular expression (of a driver)."""
        return re.compile(self.argument, re.IGNORECASE)


@dataclass(frozen=True)
class Template:
    """The template of one kind of draft, in one language."""

    kind: str
    blocks: tuple[BlockTemplate, ...]
    language: str = "en"


class TemplateSet:
    """Templates by kind and language: those of a folder (beside the catalogue) first, the built-in ones behind them.

    `language` is `auto`, where the language counts that the data states of the recipient, `country`, where without one
    the recipient's country counts, or the one language of every letter.
    """

    def __init__(self, folder: Path | None = None, language: str = "auto") -> None:
        self._folder = folder
        self._language = language
        self._read: dict[tuple[str, str], Template] = {}

    @property
    def by_country(self) -> bool:
        """True where the recipient's country stands in for a language that the data does not state."""
        return self._language == "country"

    def get(self, kind: str, language: str = "") -> Template:
        """The template of that kind in the language asked for, else in English, else the generic one; raises
        `UsageError` for a file that does not hold."""
        wanted = language if self._language in ("auto", "country") else self._language
        if (kind, wanted) not in self._read:
            self._read[kind, wanted] = (
                self._load(kind, wanted) or self._load(kind) or self._load("generic", wanted) or self._load("generic")
                or Template(kind, ())
            )  # fmt: skip
        return self._read[kind, wanted]

    def _load(self, kind: str, language: str = "") -> Template | None:
        name = f"{kind}.{language}.md" if language and language != "en" else f"{kind}.md"
        if self._folder is not None and (own := self._folder / name).is_file():
            return replace(parse(own.read_text(encoding="utf-8"), kind, str(own)), language=language or "en")
        built_in = resources.files("query.drafts").joinpath("templates", name)
        if not built_in.is_file():
            return None
        return replace(parse(built_in.read_text(encoding="utf-8"), kind, name), language=language or "en")


def parse(text: str, kind: str, where: str = "template") -> Template:
    """Read a template; raises `UsageError` that names the line for an unknown block, style or slot."""
    blocks: list[BlockTemplate] = []
    header: tuple[str, str] | None = None
    lines: list[str] = []
    for number, line in enumerate([*text.splitlines(), "@end"], 1):
        if not line.startswith("@") or line.strip() == "@or":
            lines.append(line)
            continue
        if header is not None:
            blocks.append(_block(header, lines, where))
        name, _, argument = line[1:].strip().partition(" ")
        if name not in KINDS | {"end"}:
            raise UsageError(
                f"{where}, line {number}: there is no block @{name}.", hint=f"Blocks are: {', '.join(sorted(KINDS))}."
            )
        header, lines = (name, argument.strip()), []
    return Template(kind, tuple(blocks))


def _block(header: tuple[str, str], lines: list[str], where: str) -> BlockTemplate:
    kind, argument = header
    wordings = "\n".join(lines).split("\n@or\n") if lines else []
    alternatives = tuple(_sentences(w, kind, where) for w in wordings if w.strip())
    return BlockTemplate(kind, argument, alternatives)


def _sentences(wording: str, kind: str, where: str) -> tuple[SentenceTemplate, ...]:
    if kind in ("signature", "bullets"):
        texts = [line.strip() for line in wording.strip().splitlines() if line.strip()]
    else:
        texts = _SENTENCE_END.split(" ".join(wording.split()))
    return tuple(SentenceTemplate(_parts(text, where)) for text in texts if text)


def _parts(text: str, where: str) -> tuple[Part, ...]:
    parts: list[Part] = []
    at = 0
    for match in _SLOT.finditer(text):
        if match.start() > at:
            parts.append(text[at : match.start()])
        parts.append(_slot(match.group(1).strip(), where))
        at = match.end()
    if at < len(text):
        parts.append(text[at:])
    return tuple(parts)


def _slot(text: str, where: str) -> SlotRef:
    if text[:1] in "?!":
        test, rest = text[0], text[1:].strip()
        if compared := _COMPARISON.fullmatch(rest):
            return SlotRef((_place(compared[1], where), _place(compared[3], where)), test=compared[2])
        return SlotRef((_place(rest, where),), test=test)
    names, _, style = text.partition("|")
    style = style.strip() or "auto"
    if style.partition(":")[0] not in {*STYLES, "list"}:
        known = ", ".join([*STYLES, "list"])
        raise UsageError(f"{where}: there is no style {style!r} (in {{{{{text}}}}}).", hint=f"Styles: {known}.")
    return SlotRef(tuple(_place(name.strip(), where) for name in names.split(",")), style)


def _place(text: str, where: str) -> tuple[str, str]:
    fact, _, column = text.strip().partition(".")
    if not fact or not column:
        raise UsageError(f"{where}: {text!r} is not fact.column.", hint="Write a slot as {{fact.column|style}}.")
    return fact, column


def slots_of(template: Template) -> Mapping[str, set[str]]:
    """The facts that a template asks for, each with its columns."""
    asked: dict[str, set[str]] = {}
    for block in template.blocks:
        for sentence in (s for alternative in block.alternatives for s in alternative):
            for part in sentence.parts:
                for fact, column in part.places if isinstance(part, SlotRef) else ():
                    asked.setdefault(fact, set()).add(column)
    return asked
