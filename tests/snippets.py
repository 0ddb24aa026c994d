"""Runs the code of a Markdown page as a reader would: blocks in order, in one folder, with `tower` on the path."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TIMEOUT_S = 120


@dataclass(frozen=True)
class Block:
    """One fenced block of a page; `line` is where it begins."""

    language: str
    text: str
    line: int


def blocks(page: str) -> list[Block]:
    """Every fenced block, in order."""
    return [Block(m[1], m[2], page.count("\n", 0, m.start()) + 1) for m in _FENCE.finditer(page)]


class Reader:
    """Does what a page says, in `folder`, which has the page's `docs` beside it. The port 8000 becomes a free one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        commands = folder / "bin"
        commands.mkdir(parents=True)
        for name, module in (("tower", "-m api.start"), ("python", "")):
            script = commands / name
            script.write_text(f'#!/bin/sh\nexec "{sys.executable}" {module} "$@"\n', encoding="utf-8")
            script.chmod(0o755)
        self.here = folder / "clone"
        self.here.mkdir()
        (self.here / "docs").symlink_to(ROOT / "docs")
        self.port = _free_port()
        path = os.pathsep.join([str(commands), os.environ["PATH"]])
        self.environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}

    def bash(self, text: str) -> str:
        """Run a block with bash, every command of which must succeed; what it printed. A `cd` lasts."""
        where = self.folder / "where"
        script = f"set -e -o pipefail\ntrap 'pwd > \"{where}\"; kill $(jobs -p) 2>/dev/null || true' EXIT\n{text}"
        script = script.replace("8000", str(self.port))
        out = self._run(["bash", "-c", script])
        self.here = Path(where.read_text(encoding="utf-8").strip())
        return out

    def python(self, text: str) -> str:
        """Run a block with Python; what it printed."""
        return self._run([sys.executable, "-c", text.replace("8000", str(self.port))])

    def _run(self, command: list[str]) -> str:
        done = subprocess.run(
            command, cwd=self.here, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=TIMEOUT_S, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{command[-1]}\n{done.stdout}\n{done.stderr}"
        return done.stdout


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])
