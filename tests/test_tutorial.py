"""The tutorial and the README, followed literally: every `tower` command and every Python snippet, in order.

Each command is a process, as it is for a reader; that takes longer than other tests.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.snippets import ROOT, Block, Reader, blocks

pytestmark = pytest.mark.slow
TUTORIAL = ROOT / "docs" / "tutorial.md"
README = ROOT / "README.md"
SHOWN = frozenset({"make setup", "source .venv/bin/activate"})  # the suite runs in what they set up


@pytest.fixture(autouse=True)
def _needs_curl() -> None:
    if shutil.which("curl") is None or shutil.which("bash") is None:
        pytest.skip("bash or curl is not installed")


def test_the_tutorial_gives_what_it_shows(tmp_path: Path) -> None:
    reader, said = Reader(tmp_path), ""
    for block in blocks(TUTORIAL.read_text(encoding="utf-8")):
        if block.language == "bash":
            said = reader.bash(block.text)
        elif block.language == "python":
            said = reader.python(block.text)
        elif block.language == "text":
            lines = {line.rstrip() for line in said.splitlines()}
            assert [line for line in block.text.splitlines() if line.rstrip() not in lines] == [], (block.line, said)
        else:
            assert set(block.text.splitlines()) <= SHOWN, f"line {block.line}: say what kind of block it is"


def commands_of(block: Block) -> list[str]:
    """The commands of a README block that need no sample company, without their remarks."""
    lines = [re.sub(r"\s+#.*$", "", line) for line in block.text.splitlines()]
    return [line for line in lines if line.startswith(("tower ", "curl "))]


def test_the_commands_and_snippets_of_the_readme_run(tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    reader.bash(
        "cp -r docs/example/handbook handbook\n"
        "python -c \"import sqlite3; sqlite3.connect('company.sqlite')"
        ".executescript(open('docs/example/company.sql').read())\""
    )
    ran = 0
    for block in blocks(README.read_text(encoding="utf-8")):
        if block.language == "python":
            reader.python(block.text)
            ran += 1
        elif commands := commands_of(block):
            ran += len(commands)
            reader.bash("\n".join(_served(command) for command in commands))
    assert ran >= 6


def _served(command: str) -> str:
    """`tower serve` as a reader runs it: in another terminal, from when it answers."""
    if command != "tower serve":
        return command
    return "tower serve --port 8000 &\nuntil curl -sf http://127.0.0.1:8000/healthz; do sleep 0.2; done"
