"""The audit log: one JSON record a line in a keyed hash chain, with its head anchored in a second file.

    <home>/logs/audit.jsonl   the records; each ends with `"mac"`, the HMAC of the one before it and of its own bytes
    <home>/audit.head         how many records there are, the last one's mac, the log's length in bytes; sealed
    <home>/audit.key          32 random bytes in hexadecimal, mode 0600

A record counts as written once the head names it. What stands behind the head was never acknowledged: whole valid
records there are taken in, a torn last line (a kill while writing) is cut off by the next append. Everything else
that does not fit is damage: `verify` names it, and `append` refuses, so that nothing leaves without its record.
"""

from __future__ import annotations

import fcntl
import hmac
import json
import os
import re
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index.errors import StorageError, UsageError

LOG, HEAD, KEY = "logs/audit.jsonl", "audit.head", "audit.key"
GENESIS = "0" * 64
_MARK = b',"mac":"'
_END = len(_MARK) + 64 + len(b'"}')  # bytes of the mac's field at the end of a record
_ANCHOR = re.compile(r"\d{1,18}:[0-9a-f]{64}")
_SECTOR = 512  # bytes that a disk writes whole or not at all
_LOCK_S = 30.0
_sync = getattr(os, "fdatasync", os.fsync)  # not every system has the cheaper one
SYNC_S = 0.05  # in a burst the disk is waited for this often; a record that stands alone always


@dataclass(frozen=True)
class Head:
    """The last acknowledged record: its number (0: none yet), its mac, and the log's length in bytes after it."""

    seq: int
    mac: str
    size: int


@dataclass(frozen=True)
class Verdict:
    """What `verify` found. `broken` is the line number (from 1) of the first record that does not hold, and `reason`
    says why; None where all hold. `unacknowledged` counts whole or torn records behind the head: no damage."""

    records: int
    broken: int | None = None
    reason: str = ""
    unacknowledged: int = 0
    head: str = ""

    @property
    def intact(self) -> bool:
        """True when nothing was changed, cut, moved or added."""
        return self.broken is None


class AuditLog:
    """The audit log of the workspace at `home`. Safe between threads and processes; made by the first append."""

    def __init__(self, home: Path) -> None:
        self.path, self._head_path, self._key_path = home / LOG, home / HEAD, home / KEY
        self._lock_path = home / "audit.lock"
        self._thread_lock = threading.Lock()
        self._key: bytes | None = None
        self._synced = -SYNC_S

    # --- writing -------------------------------------------------------------------------------------------------

    def append(self, record: Mapping[str, Any]) -> int:
        """Write `record` (JSON-compatible, without `seq` and `mac`) and return its number once it is written.

        Raises `StorageError` where it cannot be written, or where the log was tampered with; nothing was
        acknowledged then.
        """
        try:
            with self._locked():
                head = self._recover()
                line = self._line({"seq": head.seq + 1, **record}, head.mac)
                self._write(line, head)
                return head.seq + 1
        except OSError as error:
            raise StorageError(
                f"the audit log {self.path} cannot be written: {getattr(error, 'strerror', None) or error}",
                hint="nothing is answered without its record: make room, or give back the right to write there",
            ) from error

    def pseudonym(self, kind: str, value: str) -> str:
        """A keyed hash (16 hexadecimal digits) that is equal for equal values, and tells nothing without the key."""
        try:
            if self._key is None:
                with self._locked():
                    self._begin()
        except OSError as error:
            raise StorageError(f"the key of the audit log cannot be made: {error}") from error
        assert self._key is not None
        return hmac.digest(self._key, f"name\0{kind}\0{value}".encode("utf-8", "surrogatepass"), "sha256").hex()[:16]

    def _line(self, record: Mapping[str, Any], before: str) -> bytes:
        body = json.dumps(record, ensure_ascii=True, separators=(",", ":"), allow_nan=False).encode()[:-1]
        return body + _MARK + self._mac(before, body).encode() + b'"}\n'

    def _write(self, line: bytes, head: Head) -> None:
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            done = os.write(handle, line)
            if done != len(line):
                os.ftruncate(handle, head.size)
                raise OSError(28, "the disk is full")
            if time.monotonic() - self._synced >= SYNC_S:
                _sync(handle)
                self._synced = time.monotonic()
        except OSError:
            os.ftruncate(handle, head.size)
            raise
        finally:
            os.close(handle)
        self._save_head(Head(head.seq + 1, _mac_of(line), head.size + len(line)))

    def _save_head(self, head: Head) -> None:
        """Overwrite the head in place: one write of one disk sector, which a kill cannot tear."""
        body = {"seq": head.seq, "mac": head.mac, "size": head.size, "seal": self._seal(head)}
        content = json.dumps(body).encode().ljust(_SECTOR - 1) + b"\n"
        if not self._head_path.exists():
            _replace(self._head_path, content)
            return
        handle = os.open(self._head_path, os.O_WRONLY)
        try:
            os.pwrite(handle, content, 0)
        finally:
            os.close(handle)

    def _recover(self) -> Head:
        """The head, moved over whole records behind it; a torn line behind it is cut off."""
        self._begin()
        head = self._read_head()
        size = self.path.stat().st_size if self.path.exists() else 0
        if size == head.size:
            self._check_last(head)
            return head
        if size < head.size:
            raise self._damaged("records were cut off its end")
        verdict, moved = self._behind(head)
        if verdict:
            raise self._damaged(verdict)
        if moved.size < size:
            with self.path.open("r+b") as log:
                log.truncate(moved.size)
        if moved != head:
            self._save_head(moved)
        return moved

    def _check_last(self, head: Head) -> None:
        if head.size == 0:
            return
        with self.path.open("rb") as log:
            log.seek(max(0, head.size - _END - 1))
            if _mac_of(log.read()) != head.mac:
                raise self._damaged("its last record is not the one that was written last")

    def _behind(self, head: Head) -> tuple[str, Head]:
        """What is wrong behind the head (empty: nothing), and the head after the whole records there."""
        with self.path.open("rb") as log:
            log.seek(head.size)
            for line in log:
                if not line.endswith(b"\n"):
                    break
                if reason := self._wrong(line, head):
                    return f"record {head.seq + 1}: {reason}", head
                head = Head(head.seq + 1, _mac_of(line), head.size + len(line))
        return "", head

    # --- reading -------------------------------------------------------------------------------------------------

    def verify(self, anchor: str = "") -> Verdict:
        """Check every record against the chain, and the chain's end against the head.

        `anchor` is a head (`SEQ:MAC`) that was noted elsewhere: its record must still be there, which also finds a
        log that was put back to an older state together with its head. Raises `UsageError` where it is not one.
        """
        if anchor and not _ANCHOR.fullmatch(anchor):
            raise UsageError(f"not a head of the audit log: {anchor!r}", hint="a head is SEQ:MAC, as verify prints it")
        if not self._key_path.exists() and not self.path.exists() and not self._head_path.exists():
            return Verdict(0) if not anchor else Verdict(0, 1, "the log is not there")
        with self._locked():
            try:
                self._key = self._load_key()
                head = self._read_head()
            except (StorageError, OSError) as error:
                return Verdict(0, 1, str(error))
            return self._walk(head, anchor)

    def _walk(self, head: Head, anchor: str) -> Verdict:
        at = Head(0, GENESIS, 0)
        behind, anchored = 0, not anchor
        for line in self._lines():
            if not line.endswith(b"\n") and at.size >= head.size:
                behind += 1  # torn by a kill, never acknowledged
                break
            if reason := self._wrong(line, at):
                return Verdict(at.seq, at.seq + 1, reason)
            at = Head(at.seq + 1, _mac_of(line), at.size + len(line))
            behind += at.seq > head.seq
            anchored = anchored or anchor == f"{at.seq}:{at.mac}"
            if at.seq == head.seq and at != head:
                return Verdict(at.seq, at.seq, "it is not the record that the head was anchored to")
        if at.seq < head.seq:
            return Verdict(at.seq, at.seq + 1, f"it is missing: the log ends at {at.seq}, the head is at {head.seq}")
        if not anchored:
            return Verdict(at.seq, int(anchor.split(":")[0]), "it is not the one that was noted elsewhere")
        return Verdict(head.seq, unacknowledged=behind, head=f"{head.seq}:{head.mac}")

    def _wrong(self, line: bytes, before: Head) -> str:
        """Why `line` is not the record after `before`; empty where it is."""
        body, mac = line[: -_END - 1], _mac_of(line)
        if line[-_END - 1 :] != _MARK + mac.encode() + b'"}\n' or not hmac.compare_digest(
            self._mac(before.mac, body), mac
        ):
            return "it was changed, moved, added, or one before it is gone"
        return ""

    def tail(self, count: int) -> list[dict[str, Any]]:
        """The last `count` acknowledged records, oldest first, unchecked; none where there is no log yet."""
        if count < 1 or not self.path.exists():
            return []
        kept: list[dict[str, Any]] = []
        for line in _last_lines(self.path, count):
            try:
                kept.append(json.loads(line))
            except ValueError:
                kept.append({"damaged": True})
        return kept

    def _lines(self) -> Iterator[bytes]:
        if self.path.exists():
            with self.path.open("rb") as log:
                yield from log

    # --- key and head --------------------------------------------------------------------------------------------

    def _mac(self, before: str, body: bytes) -> str:
        assert self._key is not None
        return hmac.digest(self._key, b"record\0" + before.encode() + b"\0" + body, "sha256").hex()

    def _seal(self, head: Head) -> str:
        assert self._key is not None
        return hmac.digest(self._key, f"head\0{head.seq}\0{head.mac}\0{head.size}".encode(), "sha256").hex()

    def _begin(self) -> None:
        """Load the key, or begin a log where there is none: the head first, so that a key always has one."""
        if self._key_path.exists():
            if self._key is None:
                self._key = self._load_key()
            return
        if self.path.exists() or (self._head_path.exists() and json.loads(self._head_path.read_bytes())["seq"]):
            raise self._damaged(f"its key {self._key_path} is missing")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._key = secrets.token_bytes(32)
        self._save_head(Head(0, GENESIS, 0))
        _replace(self._key_path, self._key.hex().encode())

    def _load_key(self) -> bytes:
        try:
            key = bytes.fromhex(self._key_path.read_text(encoding="ascii"))
        except (FileNotFoundError, ValueError) as error:
            raise self._damaged(f"its key {self._key_path} is missing or not a key") from error
        if len(key) != 32:
            raise self._damaged(f"its key {self._key_path} is not a key")
        return key

    def _read_head(self) -> Head:
        try:
            held = json.loads(self._head_path.read_bytes())
            head = Head(int(held["seq"]), str(held["mac"]), int(held["size"]))
            sealed = hmac.compare_digest(self._seal(head), str(held["seal"]))
        except (FileNotFoundError, ValueError, KeyError, TypeError) as error:
            raise self._damaged(f"its head {self._head_path} is missing or not a head") from error
        if not sealed:
            raise self._damaged(f"its head {self._head_path} was changed")
        return head

    def _damaged(self, reason: str) -> StorageError:
        return StorageError(
            f"the audit log {self.path} was tampered with: {reason}",
            hint="`tower audit verify` names the place; keep the files, and move them away to begin a new log",
        )

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._thread_lock:
            handle = self._lock_file()
            try:
                _lock(handle)
                yield
            finally:
                os.close(handle)  # which gives the lock back

    def _lock_file(self) -> int:
        flags = os.O_RDWR | os.O_CREAT
        try:
            return os.open(self._lock_path, flags, 0o600)
        except FileNotFoundError:  # the workspace's folder is not there yet
            self._lock_path.parent.mkdir(parents=True, exist_ok=True)
            return os.open(self._lock_path, flags, 0o600)


def _lock(handle: int) -> None:
    """Take the lock on an open file, which other processes take too. Raises `TimeoutError` after half a minute."""
    until = time.monotonic() + _LOCK_S
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > until:
                raise TimeoutError(f"another process has held its lock for {_LOCK_S:.0f} s") from None
            time.sleep(0.002)


def _mac_of(line: bytes) -> str:
    """The mac at the end of a line; nonsense where the line is none of ours."""
    return line[-67:-3].decode("ascii", "replace")


def _replace(path: Path, content: bytes) -> None:
    """Write `path` in one step, readable by its owner only."""
    temporary = path.with_suffix(path.suffix + ".new")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        if os.write(handle, content) != len(content):
            raise OSError(28, "the disk is full")
    finally:
        os.close(handle)
    temporary.replace(path)


def _last_lines(path: Path, count: int, block: int = 65_536) -> list[bytes]:
    """The last `count` whole lines of a file, read from its end."""
    with path.open("rb") as log:
        at = log.seek(0, os.SEEK_END)
        held = b""
        while at and held.count(b"\n") <= count:
            step = min(block, at)
            at -= step
            log.seek(at)
            held = log.read(step) + held
    lines = held.split(b"\n")[:-1]
    return lines[-count:]
