"""Kills during index building, switching and rolling back: the first few of what scripts/kill_ingest.py does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "kill_ingest.py"


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_four_kills_lose_nothing_and_leave_one_generation() -> None:
    done = subprocess.run([sys.executable, str(SCRIPT), "4", "5"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["faults"] == 0
