"""`<home>/serve.json`: that a server owns the workspace, and how the commands of its owner reach it.

The file has mode 0600 and holds a random token: who can read it may do what the owner of the workspace's files may.
It is written when the server answers and removed when it stops; one that a kill left behind is seen through by its
process id, and by `/healthz`, which must name the same server.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

FILE = "serve.json"
TOKEN_HEADER = "X-Tower-Owner"
USER_HEADER = "X-Tower-As"


@dataclass(frozen=True)
class Presence:
    """A server on this machine: its address, its process, its name for this run, the owner's token."""

    url: str
    pid: int
    server: str
    token: str


def announce(home: Path, url: str, server: str, token: str) -> Presence:
    """Write the file in one step, readable by its owner only."""
    presence = Presence(url, os.getpid(), server, token)
    path = home / FILE
    temporary = path.with_name(f"{FILE}.{presence.pid}")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(asdict(presence), file)
    temporary.replace(path)
    return presence


def withdraw(home: Path, presence: Presence) -> None:
    """Remove the file, unless another server wrote one since; idempotent."""
    if _read(home) == presence:
        (home / FILE).unlink(missing_ok=True)


def present(home: Path) -> Presence | None:
    """What the file says while its process runs; None where there is no file, or it is no longer true."""
    presence = _read(home)
    return presence if presence is not None and _alive(presence.pid) else None


def _read(home: Path) -> Presence | None:
    try:
        return Presence(**json.loads((home / FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError, TypeError):
        return False
    return True
