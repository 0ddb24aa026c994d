"""The command line: results on stdout, remarks on stderr, exit statuses, errors."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from api.cli import main
from tests.api.fake import FakeOpener, FakeService

ROOT = Path(__file__).parents[2]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "tower.yaml").write_text("version: 1\nsources: {}\n", encoding="utf-8")
    return tmp_path


@pytest.fixture
def opener() -> FakeOpener:
    return FakeOpener()


def run(opener: FakeOpener, home: Path, *arguments: str) -> int:
    return main([*arguments, "--home", str(home)], opener=opener)


def test_ask_prints_the_answer_and_its_sources(
    opener: FakeOpener, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(opener, home, "ask", "How many accounts?") == 0
    out = capsys.readouterr().out
    assert "There are 3 accounts [1]." in out
    assert "[1] n = 3, from: SELECT COUNT(*) AS n FROM accounts" in out
    assert opener.service.closed


def test_rows_are_shown_where_the_text_does_not_show_them(
    opener: FakeOpener, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(opener, home, "ask", "Which regions?") == 0
    out = capsys.readouterr().out
    assert out.count("EMEA") == 1
    assert run(opener, home, "ask", "How many accounts?") == 0
    assert "┏" not in capsys.readouterr().out


def test_ask_as_json_is_one_value_in_the_public_shape(
    opener: FakeOpener, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(opener, home, "ask", "How many accounts?", "--json") == 0
    body = json.loads(capsys.readouterr().out)
    assert body["answer"] == "There are 3 accounts [1]."
    assert body["sql"][0]["row_count"] == 1
    assert body["citations"] == [
        {"n": 1, "kind": "aggregate", "source": "crm", "column": "n", "value": 3, "sql": body["sql"][0]["text"]}
    ]
    assert "chart" not in body


def test_text_from_data_cannot_style_the_terminal(
    opener: FakeOpener, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    opener.service.drafts.held["d1"]["subject"] = "[bold]x[/bold] [/nope]"
    assert run(opener, home, "drafts", "show", "d1") == 0
    assert "[bold]x[/bold] [/nope]" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        (["ask", ""], 2, "empty_question"),
        (["ask", "?!"], 2, "empty_question"),
        (["ask"], 2, "bad_input"),
        (["ask", "x", "--as", "mallory"], 3, "forbidden"),
        (["ask", "x" * 5000], 2, "bad_input"),
        (["search", "zips", "-k", "0"], 2, "bad_input"),
        (["sql", "DROP TABLE accounts"], 2, "sql_rejected"),
        (["sql", " "], 2, "bad_input"),
        (["ingest", "nowhere"], 1, "not_found"),
        (["drafts", "show", "zzz"], 1, "not_found"),
        (["drafts", "list", "--status", "lost"], 2, "bad_input"),
        (["eval", "missing.jsonl"], 2, "bad_input"),
        (["ask", "--nonsense"], 2, "bad_input"),
        (["ask", "--batch", "missing.jsonl", "--out", "out.jsonl"], 2, "bad_input"),
        (["ask", "--batch", "missing.jsonl"], 2, "bad_input"),
        (["init"], 2, "bad_input"),
        (["serve", "--host", "0.0.0.0"], 3, "forbidden"),
        (["parse", "missing.pdf"], 2, "bad_input"),
    ],
)
def test_a_failure_has_its_exit_status_and_code(
    opener: FakeOpener,
    home: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    status: int,
    code: str,
) -> None:
    monkeypatch.chdir(home)
    assert run(opener, home, *arguments, "--json") == status
    error = json.loads(capsys.readouterr().out)["error"]
    assert set(error) == {"code", "message", "hint"}
    assert error["code"] == code
    assert error["message"]


def test_a_failure_without_json_is_told_on_stderr_with_a_hint(
    opener: FakeOpener, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(opener, tmp_path / "none", "status") == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: no workspace at ")
    assert "hint: make one with `tower init" in captured.err


def test_an_unforeseen_failure_is_one_line_and_a_trace_in_the_logs(
    opener: FakeOpener, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(opener, home, "ask", "crash", "--json") == 1
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == "internal"
    trace = next((home / "logs").glob("*.log"))
    assert str(trace) in error["hint"]
    assert "KeyError: 'crash'" in trace.read_text(encoding="utf-8")
    assert opener.service.closed


def test_ctrl_c_ends_with_130_and_a_short_line(
    opener: FakeOpener, home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_args: object, **_more: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(FakeService, "ask", interrupted)
    assert run(opener, home, "ask", "How many accounts?") == 130
    captured = capsys.readouterr()
    assert "interrupted" in captured.err
    assert "Traceback" not in captured.err


def test_a_full_disk_is_told_as_such(
    opener: FakeOpener, home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_args: object, **_more: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(FakeService, "ingest", full)
    assert run(opener, home, "ingest", "--json") == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "storage_failed"


def test_a_batch_answers_every_line_and_a_bad_one_costs_only_itself(
    opener: FakeOpener, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [
        '{"id": "one", "question": "How many accounts?"}',
        "not json",
        '{"id": 3, "question": " "}',
        '{"id": "four", "question": "crash"}',
        '{"id": "five", "question": "How many accounts?", "as": "mallory"}',
        "",
        '["a list"]',
        '{"id": "last", "question": "Are zips covered?"}',
    ]
    source, out = home / "in.jsonl", home / "out.jsonl"
    source.write_text("\n".join(lines), encoding="utf-8")
    assert run(opener, home, "ask", "--batch", str(source), "--out", str(out)) == 0
    results = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [line["id"] for line in results] == ["one", None, 3, "four", "five", None, "last"]
    codes = [line.get("error", {}).get("code") for line in results]
    assert codes == [None, "bad_input", "empty_question", "internal", "forbidden", "bad_input", None]
    assert results[1]["line"] == 2
    assert results[0]["answer"] == "There are 3 accounts [1]."
    assert "2 answered, 5 failed" in capsys.readouterr().err


def test_a_search_batch_gives_hits(opener: FakeOpener, home: Path) -> None:
    source, out = home / "in.jsonl", home / "out.jsonl"
    source.write_text('{"id": "q", "query": "zips"}\n', encoding="utf-8")
    assert run(opener, home, "search", "--batch", str(source), "--out", str(out), "-k", "1") == 0
    line = json.loads(out.read_text(encoding="utf-8"))
    assert line["id"] == "q"
    assert line["hits"][0]["doc_id"] == "library:warranty.md"
    assert line["hits"][0]["text"][line["hits"][0]["start"] : line["hits"][0]["end"]].startswith("Zips")


def test_a_batch_does_not_write_over_its_input(
    opener: FakeOpener, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = home / "in.jsonl"
    source.write_text('{"id": 1, "question": "How many accounts?"}\n', encoding="utf-8")
    assert run(opener, home, "ask", "--batch", str(source), "--out", str(source)) == 2
    assert "How many accounts?" in source.read_text(encoding="utf-8")


def test_a_database_can_be_asked_without_a_workspace(
    opener: FakeOpener, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = "sqlite:///elsewhere.sqlite"
    assert run(opener, tmp_path / "new", "ask", "--sql-url", url, "How many accounts?", "--json") == 0
    assert opener.opened == [(tmp_path / "new", url)]


def test_ingest_reports_each_source_and_its_progress_on_stderr(
    opener: FakeOpener, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(opener, home, "ingest") == 0
    captured = capsys.readouterr()
    assert "crm" in captured.out
    assert "crm: 3 of 3" in captured.err


def test_a_source_that_failed_fails_the_command(
    opener: FakeOpener, home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        FakeService, "ingest", lambda *_, **__: [{"source": "crm", "status": "failed", "message": "gone"}]
    )
    assert run(opener, home, "ingest") == 1
    assert "crm: gone" in capsys.readouterr().out


def test_drafts_are_listed_edited_and_decided_once(
    opener: FakeOpener, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(opener, home, "drafts", "edit", "d1", "--subject", "Another") == 0
    assert run(opener, home, "drafts", "approve", "d1") == 0
    assert "approved d1: Another" in capsys.readouterr().out
    assert run(opener, home, "drafts", "reject", "d1") == 2
    assert "is approved already" in capsys.readouterr().err


def test_churn_shows_contributions(opener: FakeOpener, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(opener, home, "churn", "--account", "A1") == 0
    out = capsys.readouterr().out
    assert "A1  71.0%" in out
    assert "+1.20  orders fell by half" in out


def test_churn_shows_the_card_the_versions_and_trains(
    opener: FakeOpener, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(opener, home, "churn", "--card", "--version", "v1") == 0
    out = capsys.readouterr().out
    assert "churn  v1" in out and "AUC 0.9   Brier 0.1" in out and "- It knows little." in out
    assert "usage                    -1.00 .. +2.00     less is riskier" in out
    assert run(opener, home, "churn", "--versions") == 0
    assert capsys.readouterr().out.splitlines()[0].endswith("AUC 0.900  live")
    assert run(opener, home, "churn", "--train", "--json") == 0
    assert json.loads(capsys.readouterr().out)[0]["version"] == "v2"
    assert run(opener, home, "churn", "--train", "--card") == 2
    assert run(opener, home, "churn", "--version", "v9") == 1


def test_explain_shows_the_sql_and_runs_nothing(
    opener: FakeOpener, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(opener, home, "explain", "How many accounts?") == 0
    assert "SELECT COUNT(*) FROM accounts" in capsys.readouterr().out
    assert opener.service.asked == []


def test_status_and_reindex_print_what_they_got(
    opener: FakeOpener, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(opener, home, "status") == 0
    assert run(opener, home, "reindex", "--roll-back") == 0
    assert run(opener, home, "reindex", "--roll-back", "--full") == 2
    assert run(opener, home, "reindex", "--vectors-only") == 0
    out = capsys.readouterr().out
    assert "generation: g1" in out
    assert "generation: g2" in out


def test_eval_fails_below_the_minimum_and_when_something_is_unproven(
    opener: FakeOpener, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    golden = home / "golden.jsonl"
    golden.write_text(
        '{"id": "g1", "question": "How many accounts?", "route": "sql", "expect": {"rows": [[3]]}}\n'
        '{"id": "g2", "question": "Are zips covered?", "route": "vector", "expect": {"doc_ids": ["other.md"]}}\n',
        encoding="utf-8",
    )
    assert run(opener, home, "eval", str(golden)) == 0
    assert "1 of 2 right" in capsys.readouterr().out
    assert run(opener, home, "eval", str(golden), "--min", "0.9") == 1
    assert run(opener, home, "eval", str(golden), "--min", "0.5") == 0
    opener.service.faults = ("[1] is gone",)
    assert run(opener, home, "eval", str(golden), "--min", "0.5") == 1


def test_help_and_error_paths_start_without_heavy_libraries() -> None:
    code = (
        "import sys; from api.cli import main; main(['--help']); main(['ask', '', '--json']);"
        "heavy = {'sqlalchemy', 'pandas', 'numpy', 'torch', 'fastapi', 'llama_index', 'sklearn', 'onnxruntime'};"
        "sys.exit(','.join(heavy & set(sys.modules)) or 0)"
    )
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - started < 5  # a generous bound: the machine may be busy


def test_version_prints_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("tower ")
