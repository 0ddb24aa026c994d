"""Kills `tower forget` (-9) at random moments, and looks at what is left.

    python scripts/kill_forget.py KILLS [SEED]

Each time a fresh workspace with a planted customer is forgotten by a process that is killed on its way. What is left is
either everything (nothing happened) or a SQL index without it, into which a sync does not bring it back. Then the same
command runs undisturbed: its receipt says that nothing is left, and no file of the workspace holds the customer's name
or key. Prints the counts; exit status 1 when anything was wrong.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from api.cli import main as tower
from scripts.kill_ingest import apart, complain, wait
from tests.governed import build

NAME, KEY = "Zirbelkiefer Bergsport", "ZK-40417"


def plant(home: Path) -> None:
    """A workspace with the customer in its tables and documents, ingested."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        build(home)
    crm, notes = home / "files" / "crm", home / "files" / "notes"
    for table, line in (
        ("accounts", f"{KEY},{NAME},EMEA,SMB,Active,17"),
        ("orders", f"OZ1,{KEY},P1,2026-02-02,71.5"),
    ):
        with (crm / f"{table}.csv").open("a", encoding="utf-8") as file:
            file.write(line + "\n")
    for number in range(40):
        (notes / f"visit{number}.md").write_text(f"# Visit {number}\n\nSaw {NAME} about sack {number}.\n", "utf-8")
    said(home, "ingest")


def said(home: Path, *arguments: str, expect: int = 0) -> object:
    """What a command prints as JSON; an `AssertionError` where it ends otherwise than expected."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(io.StringIO()):
        status = tower([*arguments, "--as", "root", "--json", "--home", str(home)])
    assert status == expect, f"{arguments[0]} ended with {status}: {output.getvalue()[-500:]}"
    return json.loads(output.getvalue())


def held(home: Path) -> int:
    """How many rows the SQL index has of the customer."""
    counts = []
    for table in ("accounts", "orders"):
        found = said(home, "sql", f"SELECT COUNT(*) FROM {table} WHERE account_id = '{KEY}'")
        assert isinstance(found, dict)
        counts.append(found["rows"][0][0])
    assert counts in ([1, 1], [0, 0]), f"a part of it is left: {counts}"
    return sum(counts)


def check(home: Path) -> None:
    """What a kill left, and what the same command makes of it."""
    before = held(home)
    if not before:
        said(home, "ingest", "--full")
        assert held(home) == 0, "a sync brought it back"
    receipt = said(home, "forget", "--entity", KEY, "--yes")
    assert isinstance(receipt, dict) and receipt["absent"], receipt
    ours = [path for path in home.rglob("*") if path.is_file() and home / "files" not in path.parents]
    left = [path.name for path in ours for text in (NAME, KEY) if text.encode() in path.read_bytes()]
    assert not left, f"found in {left}"
    sys.stdout.write(f"{'nothing' if before else 'the SQL index'} was done\n")
    sys.stdout.flush()


def main(kills: int, seed: int) -> int:
    """Kill so many times; the exit status."""
    chance, counts, faults = random.Random(seed), Counter[str](), 0
    root = Path(tempfile.mkdtemp(prefix="tower-kill-forget-"))
    longest = 4.0
    try:
        if wait(apart(lambda: plant(root / "planted"))):  # this process loads nothing that a fork would not survive
            return 1
        for number in range(kills):
            home = root / "home"
            shutil.rmtree(home, ignore_errors=True)
            shutil.copytree(root / "planted", home)
            pid = apart(lambda home=home: said(home, "forget", "--entity", KEY, "--yes"))  # type: ignore[misc]
            time.sleep(chance.uniform(0, longest))
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            ended = wait(pid)
            longest *= 0.8 if ended == 0 else 1.05
            counts["ended before the kill" if ended == 0 else "killed"] += 1
            if ended not in (0, -signal.SIGKILL) or wait(apart(lambda home=home: check(home))):  # type: ignore[misc]
                faults += 1
                complain(f"kill {number}: not well")
    finally:
        shutil.rmtree(root, ignore_errors=True)
    sys.stdout.write(json.dumps({"faults": faults, **counts}) + "\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10, int(sys.argv[2]) if len(sys.argv) > 2 else 7))
