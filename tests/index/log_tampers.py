"""Ways to tamper with the lines of an audit log: each gives the changed lines, and the record that must be named."""

from __future__ import annotations

import random
from collections.abc import Callable

Tamper = Callable[[list[bytes], random.Random], tuple[list[bytes], int]]


def edit(lines: list[bytes], pick: random.Random) -> tuple[list[bytes], int]:
    """Another byte somewhere; a changed line end joins two lines, so that the next one may be named."""
    n = pick.randrange(len(lines))
    line = bytearray(lines[n])
    at = pick.randrange(len(line))
    line[at] = pick.choice([b for b in range(256) if b != line[at]])
    return [*lines[:n], bytes(line), *lines[n + 1 :]], n + 1


def cut(lines: list[bytes], pick: random.Random) -> tuple[list[bytes], int]:
    n = pick.randrange(len(lines))
    return lines[:n] + lines[n + 1 :], n + 1


def swap(lines: list[bytes], pick: random.Random) -> tuple[list[bytes], int]:
    a, b = sorted(pick.sample(range(len(lines)), 2))
    moved = list(lines)
    moved[a], moved[b] = moved[b], moved[a]
    return moved, a + 1


def duplicate(lines: list[bytes], pick: random.Random) -> tuple[list[bytes], int]:
    n, to = pick.randrange(len(lines)), pick.randrange(len(lines) + 1)
    repeated = [*lines[:to], lines[n], *lines[to:]]
    return repeated, next(i + 1 for i, (x, y) in enumerate(zip(repeated, [*lines, b""], strict=False)) if x != y)


def behead(lines: list[bytes], pick: random.Random) -> tuple[list[bytes], int]:
    kept = b"".join(lines)[: pick.randrange(sum(map(len, lines)))]
    parts = kept.splitlines(keepends=True)
    return parts, sum(part.endswith(b"\n") for part in parts) + 1


def pad(lines: list[bytes], pick: random.Random) -> tuple[list[bytes], int]:
    n = pick.randrange(len(lines))
    return [*lines[:n], pick.choice([b"\n", b" ", b"{}\n", b"\r\n"]), *lines[n:]], n + 1


TAMPERS: tuple[Tamper, ...] = (edit, cut, swap, duplicate, behead, pad)


def found(tamper: Tamper, expected: int, broken: int | None) -> bool:
    """True when the verdict names the right record."""
    return broken == expected or (tamper is edit and broken == expected + 1)
