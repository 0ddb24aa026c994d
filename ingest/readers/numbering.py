"""The labels of numbered paragraphs in Word files: `2.`, `b)`, `1.3`, or a dash for bullets."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from ingest.readers.ooxml import attribute, children, each, local

_ROMAN = ((10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))


@dataclass
class _Level:
    kind: str = "decimal"
    text: str = ""
    start: int = 1


@dataclass
class _List:
    levels: dict[int, _Level] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)


class Numbering:
    """Counts along with the paragraphs, in the order in which it is asked."""

    def __init__(self, numbering: Any, styles: Any) -> None:
        self._lists: dict[str, _List] = {}
        self._of: dict[str, str] = {}  # numbering id to list
        self._restarts: dict[str, dict[int, int]] = {}
        self._styles: dict[str, tuple[str, int]] = {}
        for element in children(numbering):
            if local(element) == "abstractNum":
                self._lists[attribute(element, "abstractNumId")] = _List(_levels(element))
            elif local(element) == "num":
                self._number(element)
        for style in children(styles):
            for held in each(style, "numPr"):
                values = {local(e): attribute(e, "val") for e in held}
                level = values.get("ilvl", "0")
                if values.get("numId"):
                    number = (values["numId"], int(level) if level.isdigit() else 0)
                    self._styles[attribute(style, "styleId")] = number

    def label(self, style: str, own: tuple[str, int] | None) -> tuple[str, int | None]:
        """The label and the depth of the next paragraph; no depth where it is not numbered."""
        number = own if own and own[0] else self._styles.get(style)
        if number is None or number[0] in ("", "0"):
            return "", None
        key, level = number
        held = self._lists.get(self._of.get(key, ""))
        if held is None:
            return "-", level
        for place, start in self._restarts.pop(key, {}).items():
            held.counts[place] = start - 1
        shape = held.levels.get(level, _Level())
        held.counts[level] = held.counts.get(level, shape.start - 1) + 1
        for deeper in [n for n in held.counts if n > level]:
            del held.counts[deeper]
        if shape.kind in ("bullet", "none"):
            return "-", level
        return _fill(shape.text or f"%{level + 1}.", held), level

    def _number(self, element: Any) -> None:
        key = attribute(element, "numId")
        self._of[key] = next((attribute(e, "val") for e in element if local(e) == "abstractNumId"), "")
        for override in each(element, "lvlOverride"):
            for start in each(override, "startOverride"):
                level, value = attribute(override, "ilvl"), attribute(start, "val")
                if level.isdigit() and value.isdigit():
                    self._restarts.setdefault(key, {})[int(level)] = int(value)


def _levels(element: Any) -> dict[int, _Level]:
    levels: dict[int, _Level] = {}
    for item in each(element, "lvl"):
        values = {local(e): attribute(e, "val") for e in item}
        place, start = attribute(item, "ilvl"), values.get("start", "1")
        if place.isdigit():
            first = int(start) if start.isdigit() else 1
            levels[int(place)] = _Level(values.get("numFmt", "decimal"), values.get("lvlText", ""), first)
    return levels


def _fill(text: str, held: _List) -> str:
    def number(found: re.Match[str]) -> str:
        level = int(found.group(1)) - 1
        shape = held.levels.get(level, _Level())
        return _written(held.counts.get(level, shape.start), shape.kind)

    return re.sub(r"%([1-9])", number, text).strip()


def _written(value: int, kind: str) -> str:
    if kind in ("lowerLetter", "upperLetter") and value > 0:
        letter = chr(ord("a") + (value - 1) % 26)
        return letter if kind == "lowerLetter" else letter.upper()
    if kind in ("lowerRoman", "upperRoman") and 0 < value < 40:
        text, rest = "", value
        for size, sign in _ROMAN:
            while rest >= size:
                text, rest = text + sign, rest - size
        return text if kind == "lowerRoman" else text.upper()
    return str(value)
