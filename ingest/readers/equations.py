"""Equations of Word files (OMML) in one line of text: `x=(-b±√(b^2-4ac))/(2a)`."""

from __future__ import annotations

from typing import Any

from ingest.readers.ooxml import attribute, each, local

_PROPERTIES = frozenset(
    "accPr barPr borderBoxPr boxPr ctrlPr dPr eqArrPr fPr funcPr groupChrPr limLowPr limUppPr mPr naryPr phantPr rPr "
    "radPr sPrePr sSubPr sSubSupPr sSupPr".split()
)


def equation_text(element: Any) -> str:
    """An `oMath` element, or a part of one, as text."""
    name = local(element)
    if name in _PROPERTIES:
        return ""
    if name == "t":
        return element.text or ""
    write = _WRITERS.get(name)
    return write(element) if write else "".join(equation_text(child) for child in element)


def _part(element: Any, name: str) -> str:
    return "".join(equation_text(child) for child in element if local(child) == name)


def _group(text: str) -> str:
    """`text` in brackets where it is more than one thing."""
    return text if len(text) <= 1 or text.isalnum() else f"({text})"


def _value(element: Any, properties: str, name: str, default: str) -> str:
    for held in (e for e in element if local(e) == properties):
        for item in (e for e in held if local(e) == name):
            return attribute(item, "val")
    return default


def _fraction(e: Any) -> str:
    if _value(e, "fPr", "type", "") == "noBar":
        return f"({_part(e, 'num')} over {_part(e, 'den')})"
    return f"{_group(_part(e, 'num'))}/{_group(_part(e, 'den'))}"


def _root(e: Any) -> str:
    degree = _part(e, "deg").strip()
    return f"{degree}√({_part(e, 'e')})" if degree else f"√({_part(e, 'e')})"


def _script(e: Any) -> str:
    low, high = _part(e, "sub").strip(), _part(e, "sup").strip()
    return _part(e, "e") + (f"_{_group(low)}" if low else "") + (f"^{_group(high)}" if high else "")


def _large(e: Any) -> str:
    low, high = _part(e, "sub").strip(), _part(e, "sup").strip()
    sign = _value(e, "naryPr", "chr", "∫")
    return sign + (f"_{_group(low)}" if low else "") + (f"^{_group(high)}" if high else "") + f" {_part(e, 'e')}"


def _brackets(e: Any) -> str:
    begin, end = _value(e, "dPr", "begChr", "("), _value(e, "dPr", "endChr", ")")
    return begin + _value(e, "dPr", "sepChr", ",").join(equation_text(c) for c in e if local(c) == "e") + end


def _function(e: Any) -> str:
    return f"{_part(e, 'fName').strip()} {_group(_part(e, 'e').strip())}"


def _limit(e: Any) -> str:
    return f"{_part(e, 'e')}_({_part(e, 'lim')})"


def _matrix(e: Any) -> str:
    rows = [", ".join(equation_text(c) for c in row if local(c) == "e") for row in each(e, "mr")]
    return f"[{'; '.join(rows)}]"


def _lines(e: Any) -> str:
    return "; ".join(equation_text(c) for c in e if local(c) == "e")


_WRITERS = {
    "f": _fraction,
    "rad": _root,
    "sSup": _script,
    "sSub": _script,
    "sSubSup": _script,
    "sPre": _script,
    "nary": _large,
    "d": _brackets,
    "func": _function,
    "limLow": _limit,
    "limUpp": _limit,
    "m": _matrix,
    "eqArr": _lines,
}
