"""Commands while `tower serve` owns the workspace: they talk to it, and load next to nothing."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.cli import main
from api.client.presence import FILE, present
from api.render.hits import NOTHING_RELEVANT
from tests.api.fake import FakeOpener, FakeService
from tests.api.served import served

ROOT = Path(__file__).parents[3]
HEAVY = ("torch", "sentence_transformers", "llama_index", "transformers")
HEAVIER_THAN_A_SOCKET = (
    *HEAVY,
    "typing",
    "dataclasses",
    "inspect",
    "pathlib",
    "typer",
    "pydantic",
    "numpy",
    "sqlalchemy",
    "httpx",
    "rich",
    "yaml",
    "http.client",
)


def run(*arguments: str, forbidden: tuple[str, ...] = HEAVY) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, which fails when it has loaded one of the `forbidden` modules."""
    code = (
        "import sys; from api.start import main; status = main(); "
        f"loaded = [name for name in {forbidden!r} if name in sys.modules]; "
        "sys.exit(f'loaded: {loaded}' if loaded else status)"
    )
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small workspace of one's own files."""
    files = tmp_path_factory.mktemp("files")
    (files / "accounts.csv").write_text("account_id,name,region\nA1,Ann & Co,EMEA\nA2,Cumbre,LATAM\n")
    (files / "warranty.md").write_text("# Warranty\n\nZips are covered for two years after the sale.\n")
    home = tmp_path_factory.mktemp("workspace") / "home"
    assert main(["init", "--files", str(files), "--home", str(home)]) == 0
    assert main(["ingest", "--home", str(home)]) == 0
    return home


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[subprocess.Popen[str]]:
    """`tower serve` over it, in a process of its own."""
    code = "import sys; from api.start import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "serve", "--port", "0", "--home", str(home)]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while present(home) is None and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert present(home) is not None
    yield process
    process.kill()
    process.wait()


def test_an_owners_search_never_loads_torch(home: Path) -> None:
    done = run("search", "warranty on zips", "--json", "--home", str(home), forbidden=(*HEAVY, "sqlglot", "pandas"))
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert "two years" in found["hits"][0]["text"] and found["notices"] == []


def test_an_owners_plain_search_loads_no_command_line_and_says_the_same(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("search", "warranty on zips", "-k", "2", "--home", str(home))
    for more in ((), ("--json",)):
        plain = run(*words, *more, forbidden=(*HEAVY, "typer", "rich", "rapidfuzz", "api.cli"))
        assert (plain.returncode, plain.stderr) == (0, "")
        assert main([*words, *more]) == 0
        assert plain.stdout == capsys.readouterr().out


def test_an_owners_plain_search_fails_as_the_command_line_does(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "tower.yaml").write_text("no_such_setting: 1\n")
    nobody = ("search", "zips", "--home", str(home), "--as", "nobody")
    for words in (
        ("search", "zips", "--home", str(tmp_path / "none")),
        ("search", "zips", "--home", str(broken)),
        nobody,
    ):
        for more in ((), ("--json",)):
            plain = run(*words, *more)
            assert plain.returncode == main([*words, *more]) != 0
            assert (plain.stdout, plain.stderr) == tuple(capsys.readouterr())


def test_a_question_about_something_else_is_told_that_nothing_is_relevant(home: Path) -> None:
    for question in ("how do whales sleep", "recipe for banana bread", "orbital period of Neptune"):
        found = json.loads(run("search", question, "--json", "--home", str(home)).stdout)
        assert found["notices"] == [NOTHING_RELEVANT] and found["hits"]


def test_a_thin_search_gives_the_same_and_loads_next_to_nothing(home: Path, server: object) -> None:
    words = ("search", "warranty on zips", "-k", "2", "--home", str(home))
    thin = run(*words, "--json", forbidden=HEAVIER_THAN_A_SOCKET)
    assert (thin.returncode, thin.stderr) == (0, "")
    whole = run(*words, "--json", "--out", "x")  # not a plain search: the command line judges it
    assert whole.returncode == 2
    lines = run(*words, forbidden=HEAVIER_THAN_A_SOCKET).stdout.splitlines()
    hit = json.loads(thin.stdout)["hits"][0]
    assert json.loads(thin.stdout)["notices"] == []
    other = run("search", "how do whales sleep", "--home", str(home), forbidden=HEAVIER_THAN_A_SOCKET).stdout
    assert other.splitlines()[0] == NOTHING_RELEVANT
    assert lines[0] == f"1. Warranty  {hit['score']:.3f}  {hit['doc_id']} [{hit['start']}-{hit['end']}]"


def test_the_commands_of_the_owner_go_through_the_server(
    home: Path, server: subprocess.Popen[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def asked(*words: str) -> object:
        assert main([*words, "--json", "--home", str(home)]) == 0
        return json.loads(capsys.readouterr().out)

    assert asked("status")["served"]["pid"] == server.pid  # type: ignore[index]
    assert asked("sql", "SELECT COUNT(*) FROM accounts")["rows"] == [[2]]  # type: ignore[index]
    assert asked("ask", "How many accounts are there in EMEA?")["sql"][0]["rows"] == [[1]]  # type: ignore[index]
    assert asked("explain", "How many accounts are there?")["route"]["path"] == "sql"  # type: ignore[index]
    assert asked("drafts", "list") == []
    assert [report["loaded"] for report in asked("ingest")] == [0]  # type: ignore[attr-defined]
    before = asked("status")["generation"]  # type: ignore[index]
    assert asked("reindex", "--vectors-only")["generation"] != before  # type: ignore[index]
    assert asked("search", "warranty on zips")["hits"]  # type: ignore[index]
    questions, answers = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    questions.write_text('{"id": 1, "query": "zips"}\n{"id": 2, "query": ""}\n')
    asked("search", "--batch", str(questions), "--out", str(answers))
    first, second = map(json.loads, answers.read_text().splitlines())
    assert "two years" in first["hits"][0]["text"]
    assert second["error"]["code"] == "empty_question"


def test_a_second_server_is_refused(
    home: Path, server: subprocess.Popen[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "--port", "0", "--json", "--home", str(home)]) == 1
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == "busy"
    assert str(server.pid) in error["message"]


def test_a_server_that_is_told_to_stop_leaves_nothing_behind(home: Path, server: subprocess.Popen[str]) -> None:
    os.kill(server.pid, signal.SIGTERM)
    assert server.wait(30) == 0
    assert not (home / FILE).exists()
    assert list((home / "vectors").glob("*.owner")) == []
    assert run("search", "warranty on zips", "--home", str(home)).returncode == 0


def test_a_database_asked_in_place_is_opened_here(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "tower.yaml").write_text("version: 1\n")
    opener, elsewhere = FakeOpener(), FakeService()
    with served(tmp_path, elsewhere):
        words = ["ask", "How many accounts?", "--home", str(tmp_path)]
        assert main([*words, "--sql-url", "sqlite:///x.db"], opener=opener) == 0
        assert (opener.service.asked, elsewhere.asked) == (["How many accounts?"], [])
        assert main(words, opener=opener) == 0
        assert (opener.service.asked, elsewhere.asked) == (["How many accounts?"], ["How many accounts?"])
