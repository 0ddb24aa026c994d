"""Charts and pictures of an answer as files."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from index.errors import StorageError

if TYPE_CHECKING:
    from query.answer import Answer, ChartView

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def write_pictures(answer: Answer, folder: Path, name: str) -> list[Path]:
    """Write the answer's chart and pictures as PNG files whose names begin with `name`; gives back their paths.

    A picture that is a file already is not copied: its own path is given. The folder is made when missing.
    """
    written: list[Path] = []
    if answer.chart is not None:
        written.append(_write(folder / f"{name}-chart.png", chart_png(answer.chart)))
    for number, image in enumerate(_images(answer), 1):
        if image.get("path"):
            written.append(Path(str(image["path"])))
        elif image.get("png"):
            label = _UNSAFE.sub("-", str(image.get("key") or image.get("title") or number))[:60]
            written.append(_write(folder / f"{name}-{label}.png", _decoded(str(image["png"]))))
    return list(dict.fromkeys(written))


def chart_png(chart: ChartView) -> bytes:
    """The chart as PNG: the one it carries, else drawn from its specification."""
    if chart.png:
        return _decoded(chart.png)
    import vl_convert

    drawn: bytes = vl_convert.vegalite_to_png(chart.vega_lite, scale=2)
    return drawn


def _images(answer: Answer) -> Iterator[Mapping[str, Any]]:
    yield from answer.images
    for draft in answer.drafts:
        yield from draft.images


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise StorageError(f"a picture of the answer is not base64: {error}") from error


def _write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path
