"""From bytes to text: by byte order mark, by declaration, as UTF-8, and only then by guessing."""

from __future__ import annotations

import codecs

from index.errors import SourceError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE = 200_000


def decode(data: bytes, declared: str = "") -> str:
    """`data` as text. A byte order mark wins over `declared`; without either the encoding is detected.

    A declared encoding that Python does not know is a `SourceError`; bytes that do not fit become U+FFFD.
    """
    for mark, name in _MARKS:
        if data.startswith(mark):
            return data.decode(name, "replace")
    if declared:
        try:
            return data.decode(declared, "replace")
        except LookupError as error:
            raise SourceError(f"{declared!r} is not an encoding", hint="for example utf-8 or cp1252") from error
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _guess(data)


def _guess(data: bytes) -> str:
    sample = data[:_SAMPLE]
    zeros = sample.count(0)
    if zeros > len(sample) // 5:
        odd = sample[1::2].count(0)
        return data.decode("utf-16-le" if odd * 2 >= zeros else "utf-16-be", "replace")
    lines = [line for line in data.split(b"\n") if not line.isascii()]
    fitting = sum(_is_utf8(line) for line in lines)
    if fitting:
        # Exports glued together from several systems: each line in its own encoding.
        return "\n".join(_decode_line(line) for line in data.split(b"\n"))
    high = sum(byte > 127 for byte in sample)
    if high * 10 < len(sample):
        return data.decode("cp1252", "replace") if _fits(data, "cp1252") else data.decode("latin-1")
    from charset_normalizer import from_bytes  # slow to import, and seldom needed

    best = from_bytes(sample).best()
    return data.decode(best.encoding if best else "latin-1", "replace")


def _is_utf8(line: bytes) -> bool:
    return _fits(line, "utf-8")


def _fits(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _decode_line(line: bytes) -> str:
    return line.decode("utf-8") if _is_utf8(line) else line.decode("cp1252", "replace")
