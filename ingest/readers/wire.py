"""What goes between a reader's process and the one that asked: JSON with its length in front.

Not pickle: the process has read a file that nobody vouches for, and what it says is data, never code.
"""

from __future__ import annotations

import json
import struct
from dataclasses import asdict, dataclass
from typing import IO, Any

from index.documents import Section
from ingest.readers.base import ParsedDocument, Part

MAX_MESSAGE = 256_000_000
_HEAD = struct.Struct(">I")


@dataclass(frozen=True)
class Limits:
    """What one file may cost: seconds of the clock, and MB of memory beyond what an idle process holds."""

    seconds: float = 120.0
    memory_mb: int = 1_500


@dataclass(frozen=True)
class Cost:
    """What a file did cost: seconds, and the most MB that its process held."""

    seconds: float = 0.0
    peak_mb: float = 0.0


def send(stream: IO[bytes], message: dict[str, Any]) -> None:
    """Write one message."""
    data = json.dumps(message).encode("ascii")
    stream.write(_HEAD.pack(len(data)) + data)
    stream.flush()


def length_of(head: bytes) -> int:
    """How many bytes follow the first four."""
    size: int = _HEAD.unpack(head)[0]
    return size


def receive(stream: IO[bytes]) -> dict[str, Any] | None:
    """Read one message; None where there is no more."""
    head = stream.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    found: dict[str, Any] = json.loads(stream.read(length_of(head)))
    return found


def parts_as_json(parts: tuple[Part, ...]) -> list[dict[str, Any]]:
    """Parts, ready for JSON."""
    return [asdict(part) for part in parts]


def parts_from_json(values: list[dict[str, Any]]) -> tuple[Part, ...]:
    """The parts in what a process said."""
    return tuple(Part(str(v["place"]), _document(v["document"]), str(v["reason"]), str(v["hint"])) for v in values)


def _document(value: dict[str, Any] | None) -> ParsedDocument | None:
    if value is None:
        return None
    sections = tuple(Section(s["start"], s["title"], s["level"], s["page"]) for s in value["sections"])
    meta = {str(k): str(v) for k, v in value["meta"].items()}
    return ParsedDocument(
        value["title"], value["text"], sections, value["kind"], value["date"], meta, tuple(value["warnings"])
    )
