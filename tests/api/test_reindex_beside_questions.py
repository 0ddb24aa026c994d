"""Searches go on while generations are built, switched and removed: none fails, none finds nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_no_search_fails_while_the_index_is_switched() -> None:
    asked = "--switches 2 --passages 12 --calm 0.5 --rate 8 --together".split()
    command = [sys.executable, "scripts/bench_reindex.py", *asked]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    told = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert (told["failed"], told["found_nothing"], told["switches"]) == (0, 0, 2)
    assert told["generations_that_answered"] >= 2 and told["during"]["searches"] >= 4
