"""The audit log: every tamper is found, a kill or a full disk leaves no gap, processes take turns."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from index.audit import HEAD, KEY, LOG, AuditLog
from index.errors import StorageError, UsageError
from tests.index.log_tampers import TAMPERS, Tamper, found

RECORDS = 30
ROOT = Path(__file__).parents[2]


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    log = AuditLog(tmp_path)
    for n in range(RECORDS):
        log.append({"actor": {"user": {"name": f"user{n % 3}"}}, "n": n, "text": "é 🎿"})
    return log


def test_what_was_appended_verifies_and_can_be_read_back(log: AuditLog, tmp_path: Path) -> None:
    verdict = log.verify()
    assert (verdict.intact, verdict.records, verdict.unacknowledged) == (True, RECORDS, 0)
    assert [record["n"] for record in log.tail(3)] == [27, 28, 29]
    assert len(log.tail(500)) == RECORDS
    assert (tmp_path / KEY).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / LOG).stat().st_mode & 0o777 == 0o600
    assert AuditLog(tmp_path).append({"n": 30}) == RECORDS + 1


def test_an_empty_workspace_verifies_and_reading_makes_nothing(tmp_path: Path) -> None:
    assert AuditLog(tmp_path).verify().intact
    assert AuditLog(tmp_path).tail(5) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("tamper", TAMPERS)
def test_two_hundred_random_tampers_of_each_kind_are_all_found_at_their_record(
    log: AuditLog, tmp_path: Path, tamper: Tamper
) -> None:
    path, pick = tmp_path / LOG, random.Random(tamper.__name__)
    good = path.read_bytes()
    lines = good.splitlines(keepends=True)
    missed = []
    for n in range(200):
        changed, expected = tamper(lines, pick)
        path.write_bytes(b"".join(changed))
        verdict = log.verify()
        if verdict.intact or not found(tamper, expected, verdict.broken):
            missed.append((n, expected, verdict))
    assert missed == []
    path.write_bytes(good)
    assert log.verify().intact


def test_a_changed_or_missing_head_or_key_is_found(log: AuditLog, tmp_path: Path) -> None:
    for name in (HEAD, KEY):
        path = tmp_path / name
        good = path.read_bytes()
        path.write_bytes(good.replace(good[10:11], b"0" if good[10:11] != b"0" else b"1"))
        assert not AuditLog(tmp_path).verify().intact
        path.unlink()
        assert not AuditLog(tmp_path).verify().intact
        with pytest.raises(StorageError):
            AuditLog(tmp_path).append({})
        path.write_bytes(good)
    assert AuditLog(tmp_path).verify().intact


def test_a_log_that_was_tampered_with_at_its_end_takes_no_further_record(log: AuditLog, tmp_path: Path) -> None:
    path = tmp_path / LOG
    good = path.read_bytes()
    for bad in (good[:-200], good[:-5] + b"x" + good[-4:], good + b'{"forged":1}\n'):
        path.write_bytes(bad)
        with pytest.raises(StorageError, match="tampered"):
            log.append({"n": 99})
        assert path.read_bytes() == bad


def test_a_log_put_back_together_with_its_head_is_found_by_a_head_noted_elsewhere(
    log: AuditLog, tmp_path: Path
) -> None:
    old = {name: (tmp_path / name).read_bytes() for name in (LOG, HEAD)}
    log.append({"n": "the one to hide"})
    noted = log.verify().head
    assert log.verify(noted).intact
    for name, content in old.items():
        (tmp_path / name).write_bytes(content)
    assert log.verify().intact
    verdict = log.verify(noted)
    assert (verdict.intact, verdict.broken) == (False, RECORDS + 1)
    with pytest.raises(UsageError):
        log.verify("nonsense")


def test_a_torn_record_that_was_never_acknowledged_is_cut_off_by_the_next_append(log: AuditLog, tmp_path: Path) -> None:
    path = tmp_path / LOG
    with path.open("ab") as handle:
        handle.write(b'{"seq":31,"n":')
    verdict = log.verify()
    assert (verdict.intact, verdict.records, verdict.unacknowledged) == (True, RECORDS, 1)
    assert AuditLog(tmp_path).append({"n": 30}) == RECORDS + 1
    assert log.verify().records == RECORDS + 1


def test_a_whole_record_behind_the_head_is_taken_in(log: AuditLog, tmp_path: Path) -> None:
    head = (tmp_path / HEAD).read_bytes()
    log.append({"n": 30})
    (tmp_path / HEAD).write_bytes(head)  # a kill between the record and the head
    assert log.verify().unacknowledged == 1
    assert AuditLog(tmp_path).append({"n": 31}) == RECORDS + 2
    assert (log.verify().records, log.verify().unacknowledged) == (RECORDS + 2, 0)


WRITER = """
import sys
from pathlib import Path
from index.audit import AuditLog
log = AuditLog(Path(sys.argv[1]))
for n in range(int(sys.argv[2])):
    print(log.append({"n": n, "pad": "x" * 300}), flush=True)
"""


def test_after_kills_while_appending_no_acknowledged_record_is_missing(tmp_path: Path) -> None:
    acknowledged = 0
    for n in range(4):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), "100000"], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        acknowledged = int(writer.stdout.readline())
        time.sleep(0.05 + n * 0.03)
        os.kill(writer.pid, signal.SIGKILL)
        seen = writer.stdout.read().split("\n")[:-1]
        writer.wait()
        acknowledged = int(seen[-1]) if seen else acknowledged
        verdict = AuditLog(tmp_path).verify()
        assert verdict.intact
        assert verdict.records + verdict.unacknowledged >= acknowledged
    assert AuditLog(tmp_path).append({}) > acknowledged


def test_processes_that_append_at_once_make_one_chain(tmp_path: Path) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), "60"], cwd=ROOT, stdout=subprocess.DEVNULL)
        for _ in range(3)
    ]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    assert AuditLog(tmp_path).verify().records == 180


def test_a_full_disk_is_a_storage_error_and_leaves_the_log_as_it_was(
    log: AuditLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (tmp_path / LOG).read_bytes()
    write = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: write(handle, data[: len(data) // 2]))
    with pytest.raises(StorageError, match="disk is full"):
        log.append({"n": 30})
    monkeypatch.undo()
    assert (tmp_path / LOG).read_bytes() == before
    assert log.append({"n": 30}) == RECORDS + 1


def test_a_folder_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file in the place of the folder", encoding="utf-8")
    with pytest.raises(StorageError, match="cannot be written"):
        AuditLog(tmp_path).append({})


def test_a_pseudonym_is_stable_for_one_key_and_tells_nothing(log: AuditLog, tmp_path: Path) -> None:
    name = log.pseudonym("document", "crm:A1")
    assert name == AuditLog(tmp_path).pseudonym("document", "crm:A1")
    assert re.fullmatch("[0-9a-f]{16}", name)
    assert name not in (log.pseudonym("entity", "crm:A1"), AuditLog(tmp_path / "other").pseudonym("document", "crm:A1"))


def test_appends_are_quick(tmp_path: Path) -> None:
    log, record = AuditLog(tmp_path), {"text": "x" * 500}
    log.append(record)
    best = 0.0
    for _ in range(5):  # of processor time, as other work shares the machine
        started = time.process_time()
        for _ in range(200):
            log.append(record)
        best = max(best, 200 / (time.process_time() - started))
    assert best >= 1000, f"{best:.0f} appends a second"
    assert json.loads((tmp_path / LOG).read_bytes().splitlines()[-1])["seq"] == 1001
