"""What stands where on a page of a PDF file: runs of text with their boxes, from PDFium's characters."""

from __future__ import annotations

import ctypes
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

_BREAK = 0.9  # of a letter's height: a wider gap ends a run, since words do not stand so far apart
_FIGURES = 0.5  # the same between two figures, which stand in columns more often than in sentences
_SPACE = 0.12  # of a letter's height: a wider gap between two letters is a space that nobody wrote
_BOLD = 600
# Bullets and boxes of symbol fonts, which PDFium gives as private characters.
_BULLETS = dict.fromkeys((0xF0B7, 0xF0A7, 0xF0A8, 0xF06F, 0xF0D8, 0xF0FC, 0xF076, 0xF02D, 0xF0E8, 0xF06E, 0xF071), "•")
_HYPHENS = "\x02\ufffe"  # what PDFium gives for a hyphen at the end of a line


@dataclass(frozen=True)
class Run:
    """Text in one go on one line. The box is in points, `y` growing upwards; `size` is that of its letters."""

    text: str
    left: float
    bottom: float
    right: float
    top: float
    size: float
    bold: bool = False

    @property
    def height(self) -> float:
        """How high a line of it is."""
        return self.top - self.bottom


@dataclass(frozen=True)
class _Char:
    text: str
    left: float
    bottom: float
    right: float
    top: float
    index: int


def figures(before: str, after: str) -> bool:
    """True where one text ends, and the next begins with what figures do."""
    return before[-1:] in "0123456789%)" and after[:1] in "0123456789$€£(+-–−"


def page_runs(page: Any, text_page: Any) -> list[Run]:
    """The runs of a page in the order in which they are drawn, turned so that its text stands upright."""
    chars = list(_chars(text_page))
    quarter = _quarter(chars, int(page.get_rotation()))
    if quarter:
        chars = [_turned(char, quarter) for char in chars]
    return list(_runs(chars, text_page))


def _chars(text_page: Any) -> Iterator[_Char | None]:
    """Every character that can be seen; None where a space or the end of a line stands."""
    import pypdfium2.raw as raw

    box = raw.FS_RECTF()
    pointer = ctypes.byref(box)
    high = 0
    for index in range(raw.FPDFText_CountChars(text_page)):
        code = raw.FPDFText_GetUnicode(text_page, index)
        if 0xD800 <= code < 0xDC00:
            high = code
            continue
        if 0xDC00 <= code < 0xE000:
            code = 0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00) if high else 0xFFFD
            high = 0
        sign = _BULLETS.get(code) or chr(code)
        if (code < 0x20 and sign not in _HYPHENS and not sign.isspace()) or 0x7F <= code < 0xA0:
            sign = "•"  # a symbol without a meaning in Unicode, which is a bullet nearly always
        if sign.isspace() or not code:
            yield None
        elif raw.FPDFText_GetLooseCharBox(text_page, index, pointer):
            yield _Char(sign, box.left, box.bottom, box.right, box.top, index)


def _quarter(chars: Sequence[_Char | None], rotation: int) -> int:
    """By how many degrees the page has to be turned for most of its text to run from left to right."""
    steps: Counter[int] = Counter()
    last: _Char | None = None
    for char in chars:
        if char is not None and last is not None:
            across, up = char.left - last.left, char.bottom - last.bottom
            steps[0 if abs(across) >= abs(up) else 90 if up > 0 else 270] += 1
        last = char
    if not steps:
        return rotation
    best, times = steps.most_common(1)[0]
    return best if best and times * 2 > steps.total() else 0


def _turned(char: _Char | None, quarter: int) -> _Char | None:
    if char is None:
        return None
    if quarter == 90:  # text runs upwards
        return replace(char, left=char.bottom, right=char.top, bottom=-char.right, top=-char.left)
    return replace(char, left=-char.top, right=-char.bottom, bottom=char.left, top=char.right)


def _runs(chars: Sequence[_Char | None], text_page: Any) -> Iterator[Run]:
    held: list[_Char] = []
    parts: list[str] = []
    spaced = False
    for char in chars:
        if char is None:
            spaced = True
            continue
        if held:
            gap = _gap(held[-1], char)
            width = _FIGURES if figures(held[-1].text, char.text) else _BREAK
            if gap is None or gap > width * _height(char) or held[-1].text in _HYPHENS:
                yield _run(held, parts, text_page)
                held, parts = [], []
            elif spaced or (gap > _SPACE * _height(char) and not _is_wide(held[-1], char)):
                parts.append(" ")
        held.append(char)
        parts.append(char.text)
        spaced = False
    if held:
        yield _run(held, parts, text_page)


def _height(char: _Char) -> float:
    return max(char.top - char.bottom, 1.0)


def _is_wide(one: _Char, other: _Char) -> bool:
    """Scripts that put no spaces between words, and letters that are set apart for looks."""
    return one.text > "\u2e80" or other.text > "\u2e80"


def _gap(one: _Char, other: _Char) -> float | None:
    """The space between two letters on one line, in whatever direction they run; None on different lines."""
    overlap = min(one.top, other.top) - max(one.bottom, other.bottom)
    if overlap < 0.4 * min(_height(one), _height(other)):
        return None
    return max(other.left - one.right, one.left - other.right)


def _run(chars: Sequence[_Char], parts: Sequence[str], text_page: Any) -> Run:
    first = chars[0]
    size, bold = _font(text_page, first.index)
    return Run(
        "".join(parts),
        min(c.left for c in chars),
        min(c.bottom for c in chars),
        max(c.right for c in chars),
        max(c.top for c in chars),
        size or round(_height(first) * 2) / 2,
        bold,
    )


def _font(text_page: Any, index: int) -> tuple[float, bool]:
    """The size of a letter in points, and whether it is bold."""
    import pypdfium2.raw as raw

    matrix = raw.FS_MATRIX()
    size = float(raw.FPDFText_GetFontSize(text_page, index))
    if raw.FPDFText_GetMatrix(text_page, index, ctypes.byref(matrix)):
        size *= max((matrix.c**2 + matrix.d**2) ** 0.5, 1e-3)
    if raw.FPDFText_GetFontWeight(text_page, index) >= _BOLD:
        return round(size * 2) / 2, True
    name = ctypes.create_string_buffer(128)
    raw.FPDFText_GetFontInfo(text_page, index, name, 128, None)
    return round(size * 2) / 2, b"bold" in name.value.lower() or b"black" in name.value.lower()
