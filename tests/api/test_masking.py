"""`tower mask`, and logs and error messages without personal data."""

import io
import json
import logging
import sys
from pathlib import Path

import pytest

from api.cli import main
from api.logs import MaskingFilter, redacted
from api.masking import masked_lines


def mask(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str, *options: str) -> list[dict]:  # type: ignore[type-arg]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode("utf-8", "surrogatepass"))))
    assert main(["mask", *options]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_lines_are_masked_in_order_and_a_bad_line_costs_that_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    lines = [
        '{"id": "a", "text": "Mail ann@example.com or ann@example.com"}', "not JSON", "", "[1]", '{"id": 7}',
        '{"id": 8, "text": 5}', '{"id": 9, "text": "nothing here"}', '{"id": 10, "text": "\\ud800 x@example.com"}',
    ]  # fmt: skip
    found = mask(monkeypatch, capsys, "\n".join(lines), "--home", str(tmp_path / "none"))
    first = found[0]
    assert first["spans"] == [
        {"start": 5, "end": 20, "type": "EMAIL_ADDRESS"},
        {"start": 24, "end": 39, "type": "EMAIL_ADDRESS"},
    ]
    assert first["text"].split(" or ")[0] == "Mail " + first["text"].split(" or ")[1]
    assert [(line["id"], line.get("line")) for line in found[1:]] == [
        (None, 2), (None, 4), (7, 5), (8, 6), (9, None), (10, None)
    ]  # fmt: skip
    assert found[1]["error"]["code"] == "bad_input"
    assert found[5] == {"id": 9, "text": "nothing here", "spans": []}
    assert not (tmp_path / "none").exists()


def test_each_line_has_pseudonyms_of_its_own() -> None:
    line = json.dumps({"text": "ann@example.com"})
    first, second = masked_lines([line, line], None)
    assert first["text"] != second["text"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace whose catalogue marks the names of its staff as personal."""
    files = tmp_path_factory.mktemp("files")
    (files / "staff.csv").write_text("staff_id,name,phone\n1,Zzyzx Quorlbeam,+1 202 555 0147\n2,Ymir Tanz,\n")
    home = tmp_path_factory.mktemp("workspace") / "home"
    assert main(["init", "--files", str(files), "--home", str(home)]) == 0
    assert main(["ingest", "--home", str(home)]) == 0
    path = home / "catalogue.yaml"
    lines = path.read_text(encoding="utf-8").splitlines()
    at = [n for n, line in enumerate(lines) if line.strip().startswith(("name:", "phone:")) and "{" in line]
    assert len(at) == 2
    for n in at:
        lines[n] = lines[n] if "sensitivity" in lines[n] else lines[n].replace("}", ", sensitivity: personal}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return home


def test_the_names_of_the_workspace_are_known(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = json.dumps({"id": 1, "text": "zzyzx QUORLBEAM rang from 1 202 555 0147"})
    capsys.readouterr()
    (found,) = mask(monkeypatch, capsys, line, "--home", str(home))
    assert [(s["start"], s["end"], s["type"]) for s in found["spans"]] == [(0, 15, "PERSON"), (26, 40, "PHONE_NUMBER")]


def test_a_score_is_printed_by_type(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    marked = [{"full_text": "ann@example.com", "spans": [{"entity_type": "EMAIL_ADDRESS", "start_position": 0,
               "end_position": 15}]}]  # fmt: skip
    path = tmp_path / "marked.json"
    path.write_text(json.dumps(marked), encoding="utf-8")
    home = ["--home", str(tmp_path / "none")]
    assert main(["mask", "--score", str(path), "--json", *home]) == 0
    assert json.loads(capsys.readouterr().out) == [
        {"type": "EMAIL_ADDRESS", "expected": 1, "recall": 1.0, "typed_recall": 1.0, "found": 1, "precision": 1.0}
    ]
    assert main(["mask", "--score", str(path), *home]) == 0
    assert "EMAIL_ADDRESS" in capsys.readouterr().out
    path.write_text("[1]", encoding="utf-8")
    assert main(["mask", "--score", str(path), *home]) == 2


def test_error_messages_and_traces_hold_no_personal_data(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["ask", "--as", "ann@example.com", "x", "--home", str(home)]) == 3
    shown = capsys.readouterr().err
    assert "ann@example.com" not in shown
    assert "<EMAIL_ADDRESS>" in shown

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("no such contact: Zzyzx Quorlbeam <z@example.com>")

    monkeypatch.setattr("api.workspace.Workspace.ask", fail)
    assert main(["ask", "x", "--home", str(home)]) == 1
    shown = capsys.readouterr().err
    (trace,) = (home / "logs").glob("tower-error-*.log")
    for text in (shown, trace.read_text(encoding="utf-8")):
        assert "<PERSON> <<EMAIL_ADDRESS>>" in text
        assert "Quorlbeam" not in text


def test_log_records_pass_without_personal_data_and_with_their_trace(home: Path) -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(MaskingFilter(home))
    log = logging.Logger("test")
    log.addHandler(handler)
    log.warning("skipped %s of %s", "Ymir Tanz", "ymir@example.com")
    try:
        raise ValueError("Ymir Tanz")
    except ValueError:
        log.exception("failed")
    text = stream.getvalue()
    assert text.startswith("skipped <PERSON> of <EMAIL_ADDRESS>\nfailed\nTraceback")
    assert "Tanz" not in text


def test_a_workspace_that_cannot_be_read_still_lets_log_lines_out(tmp_path: Path) -> None:
    (tmp_path / "tower.yaml").write_text("{", encoding="utf-8")
    assert redacted("a@example.com failed", tmp_path) == "<EMAIL_ADDRESS> failed"
