"""Warm processes that read files, each file under caps: what a file does to its process stays there.

A file that takes too long, too much memory, or brings the reader down ends its process, not the ingest: it gets a part
that says so, and the next file a new process.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from ingest.readers.base import Part
from ingest.readers.wire import MAX_MESSAGE, Cost, Limits, length_of, parts_from_json, send

_BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from ingest.readers.worker import main; main(float(sys.argv[2]), int(sys.argv[3]))"
)
_START_SECONDS = 60.0  # more for the first file of a process, which has to start on a machine that may be busy
_FILES = 500  # of a process, before a fresh one takes its place
_FAT_MB = 600  # what a process may hold on to between files


@dataclass(frozen=True)
class Reading:
    """What came of a file, and what it cost."""

    parts: tuple[Part, ...]
    cost: Cost = field(default_factory=Cost)


class ReaderPool:
    """At most `size` processes, started when they are needed. Use it as a context, or call `close`."""

    def __init__(self, size: int = 0, limits: Limits | None = None, *, files_each: int = _FILES) -> None:
        self._size = size or min(4, os.cpu_count() or 1)
        self._limits = limits or Limits()
        self._files_each = files_each
        self._idle: list[_Process] = []
        self._busy: set[_Process] = set()

    def __enter__(self) -> ReaderPool:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def read(self, path: Path) -> Reading:
        """What one file says."""
        return next(self.read_all([path]))

    def read_all(self, paths: Sequence[Path]) -> Iterator[Reading]:
        """What each file says, in their order, read side by side."""
        done: dict[int, Reading] = {}
        waiting = iter(enumerate(paths))
        working: dict[_Process, int] = {}
        wanted = 0
        try:
            while wanted < len(paths):
                while len(working) < self._size and (following := next(waiting, None)) is not None:
                    number, path = following
                    process = self._take()
                    working[process] = number
                    process.begin(path)
                for process in self._settle(list(working)):
                    done[working.pop(process)] = process.reading
                    self._give_back(process)
                while wanted in done:
                    yield done.pop(wanted)
                    wanted += 1
        finally:
            for process in working:
                self._busy.discard(process)
                process.end()

    def close(self) -> None:
        """End every process."""
        for process in [*self._idle, *self._busy]:
            process.end()
        self._idle.clear()
        self._busy.clear()

    def _take(self) -> _Process:
        process = self._idle.pop() if self._idle else _Process(self._limits)
        self._busy.add(process)
        return process

    def _give_back(self, process: _Process) -> None:
        self._busy.discard(process)
        fit = process.alive and process.files < self._files_each and process.reading.cost.peak_mb < _FAT_MB
        if fit:
            self._idle.append(process)
        else:
            process.end()

    def _settle(self, working: Sequence[_Process]) -> list[_Process]:
        """Wait until at least one process has answered, died, or run out of its time."""
        with selectors.DefaultSelector() as selector:
            for process in working:
                selector.register(process.output, selectors.EVENT_READ, process)
            while True:
                left = min(process.deadline for process in working) - time.monotonic()
                for key, _ in selector.select(max(left, 0)):
                    key.data.take_in()
                for process in working:
                    process.check_time()
                if settled := [process for process in working if process.settled]:
                    return settled


class _Process:
    """One process, and the file that it is at."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        command = [sys.executable, "-c", _BOOT, json.dumps(sys.path), str(limits.seconds), str(limits.memory_mb)]
        # A session of its own: Ctrl-C reaches the ingest, which ends its readers.
        self._popen = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
        )
        assert self._popen.stdout is not None
        self.output = self._popen.stdout.fileno()
        os.set_blocking(self.output, False)
        self.files = 0
        self.alive = True
        self.settled = False
        self.deadline = 0.0
        self.reading = Reading(())
        self._path = Path()
        self._since = 0.0
        self._data = bytearray()

    def begin(self, path: Path) -> None:
        """Ask for a file."""
        self._path, self.settled = path, False
        self._data.clear()
        self._since = time.monotonic()
        self.deadline = self._since + self._limits.seconds + (0 if self.files else _START_SECONDS)
        self.files += 1
        assert self._popen.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it is gone, which reading the answer will tell
            send(self._popen.stdin, {"path": str(path)})

    def take_in(self) -> None:
        """Take what has come of the answer."""
        try:
            data = os.read(self.output, 1 << 20)
        except BlockingIOError:
            return
        if not data:
            self._fail(*self._died())
            return
        self._data += data
        if len(self._data) >= 4:
            size = length_of(bytes(self._data[:4]))
            if size > MAX_MESSAGE:
                self._fail("has more text in it than can be handled", "split the file")
            elif len(self._data) >= size + 4:
                self._finish(bytes(self._data[4:]))

    def check_time(self) -> None:
        """Give the file up where its time is over."""
        if not self.settled and time.monotonic() >= self.deadline:
            self._fail(*self._late())

    def end(self) -> None:
        """Kill the process. It holds nothing that could be lost."""
        self.alive = False
        with contextlib.suppress(ProcessLookupError):
            self._popen.kill()
        for stream in (self._popen.stdin, self._popen.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        self._popen.wait()

    def _finish(self, answer: bytes) -> None:
        try:
            said: dict[str, Any] = json.loads(answer)
            cost = Cost(float(said["cost"]["seconds"]), float(said["cost"]["peak_mb"]))
            self.reading = Reading(parts_from_json(said["parts"]), cost)
            self.alive = not said["last"]
            self.settled = True
        except (ValueError, KeyError, TypeError):
            self._fail("brought the reader down", "open and save it again")

    def _died(self) -> tuple[str, str]:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(5)
        code = self._popen.returncode
        if code == -signal.SIGXCPU:
            return self._late()
        how = f"signal {-code}" if code is not None and code < 0 else f"exit status {code}"
        return f"brought the reader down ({how}; it may take too much memory)", "split the file, or save it again"

    def _late(self) -> tuple[str, str]:
        return f"takes longer than {self._limits.seconds:.0f} s to read", "split the file, or save it again"

    def _fail(self, reason: str, hint: str) -> None:
        self.reading = Reading(
            (Part("", None, f"{self._path.name}: {reason}", hint),), Cost(time.monotonic() - self._since)
        )
        self.settled = True
        self.end()
