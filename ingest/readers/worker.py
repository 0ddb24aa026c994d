"""The process that reads files that nobody vouches for. It can be killed at any moment, and can write no file.

`ReaderPool` starts it. It reads `{"path"}` messages from its standard input and answers each with `{"parts"}`.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
import warnings
from pathlib import Path
from typing import IO

from index.errors import SourceError
from ingest.readers.base import Part, read_file
from ingest.readers.formats import parse_parts
from ingest.readers.wire import parts_as_json, receive, send

_RESERVE = 64 << 20  # bytes of memory that are kept back for saying that it has run out


def main(seconds: float, memory_mb: int) -> None:
    """Answer until the other side is gone."""
    answers = _private_output()
    warnings.simplefilter("ignore")
    _cap(memory_mb)
    while (message := receive(sys.stdin.buffer)) is not None:
        _cap_time(seconds)
        _forget_peak()
        since = time.perf_counter()
        parts, spent = _read(Path(message["path"]))
        cost = {"seconds": time.perf_counter() - since, "peak_mb": _peak_mb()}
        send(answers, {"parts": parts_as_json(parts), "cost": cost, "last": spent})
        if spent:
            return  # what a process that ran out of memory still holds is not known


def _read(path: Path) -> tuple[tuple[Part, ...], bool]:
    try:
        return parse_parts(read_file(path)), False
    except SourceError as error:
        return (Part("", None, error.message, error.hint),), False
    except MemoryError:
        _lift_cap()
        return (Part("", None, f"{path.name}: takes too much memory to read", "split the file"),), True


def _private_output() -> IO[bytes]:
    """The standard output for answers alone: whatever a library prints goes nowhere."""
    kept = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    return kept


def _cap(memory_mb: int) -> None:
    """Limit this process: its memory, no files of its own, no core dump. Nothing where the system has no limits."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        held = _held_bytes()
        most = held + (memory_mb << 20)
        resource.setrlimit(resource.RLIMIT_AS, (most, most + _RESERVE))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _lift_cap() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _cap_time(seconds: float) -> None:
    """End this process by itself some time after the other side would have, in case that is not there any more."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime + 2 * seconds) + 5, hard))


def _held_bytes() -> int:
    """The address space that this process has now."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return 1 << 30
    return pages * os.sysconf("SC_PAGE_SIZE")


def _forget_peak() -> None:
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _peak_mb() -> float:
    """The most memory that was held for the file. Not by `getrusage`, which counts what the parent held at the fork."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return int(status.partition("VmHWM:")[2].split()[0]) / (1 << 10)
    except (OSError, ValueError, IndexError):
        return 0.0
