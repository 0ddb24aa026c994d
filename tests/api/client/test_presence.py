"""`serve.json`: who may read it, and when it is not believed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from api.client.presence import FILE, announce, present, withdraw


def test_what_is_announced_is_found_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    presence = announce(tmp_path, "http://127.0.0.1:1", "s1", "t1")
    assert present(tmp_path) == presence
    assert presence.pid == os.getpid()
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_a_server_that_is_gone_is_not_believed(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    announce(tmp_path, "http://127.0.0.1:1", "s1", "t1")
    body = json.loads((tmp_path / FILE).read_text())
    (tmp_path / FILE).write_text(json.dumps(body | {"pid": process.pid}))
    assert present(tmp_path) is None


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", '{"url": 1}', '{"url":"","pid":"x","server":"","token":""}']
)
def test_a_file_that_is_none_is_not_believed(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content)
    assert present(tmp_path) is None


def test_a_server_takes_back_its_own_file_only(tmp_path: Path) -> None:
    first = announce(tmp_path, "http://127.0.0.1:1", "s1", "t1")
    second = announce(tmp_path, "http://127.0.0.1:2", "s2", "t2")
    withdraw(tmp_path, first)
    assert present(tmp_path) == second
    withdraw(tmp_path, second)
    withdraw(tmp_path, second)
    assert present(tmp_path) is None
