"""The persons, and other things, that the workspace knows: a dictionary of names and numbers, looked up word by word.

A text is read once; each of its words is one look-up, so that the time does not depend on how many names there are.
Case, accents, and the order of a given name and a surname do not matter, and the longest name wins.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from index.masking.fold import fold
from index.masking.invisible import visible
from index.masking.ordinary import ORDINARY
from index.masking.spans import Span

# Vowel signs and other marks belong to the letter before them: without them a word of Hindi or Thai falls into pieces.
_MARKS = "".join(
    chr(code)
    for first, last in ((0x300, 0x1D00), (0x1DC0, 0x1E00), (0x20D0, 0x2100), (0xA66F, 0xABF0), (0xFB1E, 0xFB1F))
    for code in range(first, last)
    if unicodedata.category(chr(code)).startswith("M")
)
_WORD = re.compile(rf"[^\W_]+(?:[{_MARKS}]+[^\W_]*)*")
_GAP = re.compile(r"[\s.,;'’‘ʻʼ`´\-_()\[\]\"“”«»]{1,4}|\s{0,2}")
_NUMBER = re.compile(r"\+?\d(?:[\s().\-/]{0,3}\d){5,19}")
_LEAST_LETTERS = 3  # of a name that is a single word
_LEAST_DIGITS = 6
PERSON = "PERSON"


@dataclass(frozen=True)
class KnownPersons:
    """Names as tuples of folded words by their first word, and numbers as digits. Build it with `of`.

    `kinds` says of a name what it names, where that is no person: `ACCOUNT`."""

    names: dict[str, tuple[tuple[str, ...], ...]]
    numbers: frozenset[str]
    kinds: Mapping[tuple[str, ...], str] = field(default_factory=dict)

    @classmethod
    def of(
        cls, names: Iterable[str], numbers: Iterable[str] = (), things: Mapping[str, Iterable[str]] | None = None
    ) -> KnownPersons:
        """The dictionary of these names and telephone numbers, and of the names of `things` by what they are; what is
        too short to tell somebody is left out. A name that a person bears too is a person's."""
        by_first: dict[str, set[tuple[str, ...]]] = {}
        kinds: dict[tuple[str, ...], str] = {}
        for kind, named in (things or {}).items():
            for name in named:
                words = folded_words(name)
                if words and not all(word.isdigit() for word in words):
                    by_first.setdefault(words[0], set()).add(words)
                    kinds[words] = kind
        for name in names:
            words = folded_words(name)
            if not words or (len(words) == 1 and len(words[0]) < _LEAST_LETTERS) or words[0].isdigit():
                continue
            for form in {words, (words[-1], *words[:-1])}:
                by_first.setdefault(form[0], set()).add(form)
                kinds.pop(form, None)
        held = {first: tuple(sorted(forms, key=len, reverse=True)) for first, forms in by_first.items()}
        digits = (re.sub(r"\D", "", number) for number in numbers)
        return cls(held, frozenset(number for number in digits if len(number) >= _LEAST_DIGITS), kinds)

    def spans(self, text: str) -> list[Span]:
        """The spans of what the dictionary holds; an ordinary word only where it is capitalised."""
        spans = self._persons(text) if self.names else []
        if self.numbers:
            for match in _NUMBER.finditer(text):
                if re.sub(r"\D", "", match[0]) in self.numbers:
                    spans.append(Span(match.start(), match.end(), "PHONE_NUMBER"))
        return spans

    def _persons(self, text: str) -> list[Span]:
        spans: list[Span] = []
        names, ascii_text = self.names, text.isascii()
        end = 0
        for match in _WORD.finditer(text):
            word = match[0]
            forms = names.get(word.lower() if ascii_text else fold(word))
            if forms is None or match.start() < end:
                continue
            for form in forms:
                found = self._ends(text, match.end(), form)
                if found and (len(form) > 1 or not word[0].islower() or form[0] not in ORDINARY):
                    end = found
                    spans.append(Span(match.start(), end, self.kinds.get(form, PERSON)))
                    break
        return spans

    @staticmethod
    def _ends(text: str, at: int, form: tuple[str, ...]) -> int:
        """Where `form`, whose first word ends at `at`, ends in `text`; 0 where it is not there."""
        for wanted in form[1:]:
            gap = _GAP.match(text, at)
            word = _WORD.match(text, gap.end()) if gap else None
            if word is None or fold(word[0]) != wanted:
                return 0
            at = word.end()
        return at


def folded_words(name: str) -> tuple[str, ...]:
    """The words of a name as they are compared: folded, without marks between them and what does not show."""
    return tuple(fold(word) for word in _WORD.findall(visible(name).text))
