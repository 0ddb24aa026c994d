"""The tutorial, the how-to guides and the README, followed literally: every command and snippet, in order.

Each command is a process, as it is for a reader; that takes longer than other tests.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import yaml

from api.settings import Settings
from ingest.config import load_sources
from tests.snippets import ROOT, Block, Reader, blocks

pytestmark = pytest.mark.slow
DOCS = ROOT / "docs"
TUTORIAL, HOW_TO = DOCS / "tutorial.md", DOCS / "howto.md"
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


def test_the_how_to_guides_run_after_the_tutorial(tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    reader.bash(
        "mkdir shop\ncp -r docs/example/handbook shop/handbook\n"
        "python -c \"import sqlite3; sqlite3.connect('shop/company.sqlite')"
        ".executescript(open('docs/example/company.sql').read())\"\n"
        "cd shop\ntower init --sql sqlite:///company.sqlite --files handbook\ntower ingest"
    )
    ran = [reader.bash(block.text) for block in blocks(HOW_TO.read_text(encoding="utf-8")) if block.language == "bash"]
    assert len(ran) >= 4
    assert "2" in ran[2].split()  # what the user from Spain sees of six customers


def yaml_blocks() -> list[Block]:
    pages = [DOCS / name for name in ("howto.md", "observability.md")]
    return [block for page in pages for block in blocks(page.read_text(encoding="utf-8")) if block.language == "yaml"]


@pytest.mark.parametrize("block", yaml_blocks(), ids=lambda block: f"line {block.line}")
def test_a_piece_of_tower_yaml_is_one_that_tower_reads(block: Block, tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "salesforce.pem").write_text("a key", encoding="utf-8")
    settings = Settings.model_validate(yaml.safe_load(block.text))
    given = {"BILLING_PASSWORD": "x", "SF_CLIENT_ID": "x", "ZENDESK": "x"}
    assert set(load_sources(settings.sources, tmp_path, given).sources) == set(settings.sources)


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
