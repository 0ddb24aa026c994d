"""The command line at a terminal: examples in every help, completion, NO_COLOR, tables that fit, Ctrl-C."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from api.cli import app

TOWER = [sys.executable, "-m", "api.start"]
COLOUR = re.compile(r"\x1b\[(?:[0-9;]*;)?(?:3[0-7]|9[0-7]|38)[0-9;]*m")


def helps() -> Iterator[tuple[str, str]]:
    root = typer.main.get_command(app)
    for name, command in root.commands.items():  # type: ignore[attr-defined]
        for sub, inner in getattr(command, "commands", {"": command}).items():
            yield f"tower {name} {sub}".strip(), inner.help or ""


@pytest.mark.parametrize(("command", "text"), helps())
def test_every_help_has_an_example_of_its_command(command: str, text: str) -> None:
    assert re.search(r"^\s*Examples?:\n(?:.|\n)*" + re.escape(command), text, re.MULTILINE), text


@pytest.mark.parametrize(
    ("typed", "offered"),
    [(["tower", "dra"], "drafts"), (["tower", "feedback", "a"], "accept"), (["tower", "ev"], "eval")],
)
def test_the_shell_completes_commands(typed: list[str], offered: str) -> None:
    asked = {"_TOWER_COMPLETE": "complete_bash", "COMP_WORDS": " ".join(typed), "COMP_CWORD": str(len(typed) - 1)}
    done = subprocess.run(TOWER, env={**os.environ, **asked}, capture_output=True, text=True, timeout=60, check=False)
    assert offered in done.stdout.split()


def at_a_terminal(*arguments: str, **variables: str) -> str:
    """What a command writes to a terminal."""
    ours, theirs = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    environment |= {"TERM": "xterm-256color", "COLUMNS": "60", **variables}
    process = subprocess.Popen([*TOWER, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    written = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # Linux's word for the end of it
            break
        if not part:
            break
        written += part
    process.wait(timeout=60)
    os.close(ours)
    return written.decode("utf-8")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("terminal")
    (home / "tower.yaml").write_text("version: 1\nsources: {files: {kind: files, path: files}}\n", encoding="utf-8")
    (home / "files").mkdir()
    rows = "".join(
        f"{at},a name that takes some room {at},a remark of many words about number {at}\n" for at in range(3)
    )
    (home / "files" / "things.csv").write_text(f"id,name,remark\n{rows}", encoding="utf-8")
    done = subprocess.run([*TOWER, "ingest", "--home", str(home)], capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return home


def test_no_color_is_respected_and_a_table_fits(home: Path) -> None:
    select = "SELECT id, name, remark FROM things"
    plain = at_a_terminal("sql", select, "--home", str(home), NO_COLOR="1")
    assert not COLOUR.search(plain)
    assert "number 2" in " ".join(plain.split())
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line).rstrip("\r") for line in plain.split("\n")]
    assert max(len(line) for line in lines) <= 60


def test_nothing_of_a_terminal_is_written_to_a_pipe(home: Path) -> None:
    done = subprocess.run(
        [*TOWER, "status", "--home", str(home)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0
    assert "\x1b" not in done.stdout + done.stderr


@pytest.mark.parametrize("command", [["serve", "--port", "0"], ["mcp"]])
def test_ctrl_c_ends_it_cleanly(home: Path, command: list[str]) -> None:
    process = subprocess.Popen(
        [*TOWER, *command, "--home", str(home)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin is not None and process.stderr is not None
    if command[0] == "serve":
        assert "serving" in process.stderr.readline()
    else:
        process.stdin.write('{"jsonrpc": "2.0", "id": 1, "method": "ping"}\n')
        process.stdin.flush()
        assert process.stdout is not None and '"id":1' in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    started = time.monotonic()
    said = process.communicate(timeout=30)[1]
    assert "Traceback" not in said
    assert process.returncode in (0, 130)
    assert time.monotonic() - started < 10
    assert not (home / "serve.json").exists()


def test_eval_says_what_to_do_where_there_are_no_golden_questions(home: Path) -> None:
    done = subprocess.run(
        [*TOWER, "eval", "--home", str(home)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "accept feedback" in done.stderr
