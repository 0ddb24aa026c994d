"""The notebook object: the same answers in process and over HTTP, and a display that is safe."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn

import api
from api import Tower
from api.http.app import create_app
from api.render.html import answer_html
from api.tower import TowerAnswer
from index.errors import EmptyQuestion, NotFoundError, SourceError, SqlRejected
from tests.api.fake import ANSWERS, TEXT, FakeOpener, FakeService


@contextmanager
def serving(service: FakeService) -> Iterator[str]:
    """A real server on a free loopback port, for the time of the block."""
    server = uvicorn.Server(uvicorn.Config(create_app(service), host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=20)


@pytest.fixture(params=["in process", "over HTTP"])
def tower(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Tower]:
    (tmp_path / "tower.yaml").write_text("version: 1\n", encoding="utf-8")
    if request.param == "in process":
        with Tower.open(tmp_path, opener=FakeOpener()) as tower:
            yield tower
    else:
        with serving(FakeService()) as url, Tower.connect(url, token="t") as tower:
            yield tower


def test_an_answer_has_rows_citations_and_a_display(tower: Tower) -> None:
    answer = tower.ask("How many accounts?")
    assert answer.to_pandas().to_dict("list") == {"n": [3]}
    assert answer.citations[0].value == 3
    assert "There are 3 accounts" in answer._repr_html_()
    assert "- [1] n = 3" in answer._repr_markdown_()


def test_an_answer_without_rows_gives_its_items(tower: Tower) -> None:
    assert list(tower.ask("Who leaves?").to_pandas()["key"]) == ["A1"]


def test_search_sql_explain_and_status(tower: Tower) -> None:
    assert tower.search("zips", k=1)[0]["text"] == TEXT
    assert list(tower.sql("SELECT 1").columns) == ["n", "day"]
    assert tower.explain("How many accounts?")["route"]["path"] == "sql"
    assert tower.status()["generation"] == "g1"


def test_failures_are_the_same_errors(tower: Tower) -> None:
    with pytest.raises(EmptyQuestion):
        tower.ask(" ")
    with pytest.raises(SqlRejected, match="only SELECT") as raised:
        tower.sql("DROP TABLE x")
    assert raised.value.hint == "write one SELECT"


def test_a_display_holds_nothing_that_runs_or_leads_away(tower: Tower) -> None:
    shown = tower.ask("Hostile?")._repr_html_()
    assert "<script" not in shown
    assert "javascript:" not in shown.replace("[1](javascript:", "").replace("</a>(javascript:", "")
    assert 'href="javascript' not in shown
    assert "<img" not in shown
    assert "onload" not in shown.split("<code", 1)[1].split(">", 1)[0].replace("&quot;onload", "")


def test_a_chart_is_drawn_into_the_display(tower: Tower) -> None:
    shown = tower.ask("Who leaves?")._repr_html_()
    assert 'alt="At risk" src="data:image/svg+xml;base64,' in shown
    assert "Your seats" in shown


def test_a_picture_is_shown_and_a_file_that_is_none_is_not(tmp_path: Path) -> None:
    picture, secret = tmp_path / "tent.png", tmp_path / "secret.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n rest")
    secret.write_text("password", encoding="utf-8")
    answer = ANSWERS["Who leaves?"]
    images = [{"title": "Tent", "path": str(path)} for path in (picture, secret)]
    shown = answer_html(answer.model_copy(update={"images": images, "chart": None}))
    assert shown.count("data:image/png;base64,") == 1
    assert "cGFzc3dvcmQ" not in shown


def test_a_server_that_is_not_there_is_told_as_such() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(SourceError, match="refused"):
        Tower.connect("http://127.0.0.1:9", transport=httpx.MockTransport(refuse)).status()


def test_a_server_that_is_not_tower_is_told_as_such() -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(502, text="<html>bad gateway"))
    with pytest.raises(SourceError, match="502"):
        Tower.connect("http://127.0.0.1:9", transport=transport).status()


def test_a_workspace_that_is_not_there_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no workspace"):
        Tower.open(tmp_path / "none", opener=FakeOpener())


def test_the_package_exports_tower_and_nothing_else() -> None:
    assert api.__all__ == ["Tower"]
    with pytest.raises(AttributeError):
        _ = api.Nothing


def test_drafts_are_read_and_edited_and_an_answer_is_read_again(tower: Tower) -> None:
    answer = tower.ask("Who leaves?")
    assert tower.answer(answer.id).answer == answer.answer
    assert [one["id"] for one in tower.drafts("proposed")] == ["d1"]
    assert tower.edit_draft("d1", subject="Twelve seats")["subject"] == "Twelve seats"
    assert tower.draft("d1")["body"] == "You have 12 seats [1]."
    with pytest.raises(NotFoundError):
        tower.draft("a/b")


def test_feedback_is_given(tower: Tower) -> None:
    answer = tower.ask("How many accounts?")
    kept = tower.feedback(answer, "down", comment="no", correction={"contains": ["four"]})
    assert (kept["answer_id"], kept["status"], kept["correction"]) == (answer.id, "open", {"contains": ["four"]})


def test_an_ingest_tells_how_far_it_is(tower: Tower) -> None:
    told: list[tuple[str, int, int | None]] = []
    reports = tower.ingest("crm", progress=lambda what, done, total: told.append((what, done, total)))
    assert reports[0]["status"] == "ok"
    assert told[-1] == ("crm", 3, 3)
    with pytest.raises(NotFoundError, match="nowhere"):
        tower.ingest("nowhere", progress=lambda *_: None)


def test_without_a_notebook_an_ingest_tells_on_stderr(tower: Tower, capsys: pytest.CaptureFixture[str]) -> None:
    assert tower.ingest()[0]["loaded"] == 2
    assert "crm: 3 of 3" in capsys.readouterr().err


def test_the_items_of_a_joined_answer_are_its_table() -> None:
    joined = TowerAnswer.model_validate(ANSWERS["Who leaves?"].model_dump() | {"sql": [
        {"text": "SELECT 1", "columns": ["account_id"], "rows": [["A1"], ["A2"]], "row_count": 2}
    ]})  # fmt: skip
    assert list(joined.to_pandas()["key"]) == ["A1"]


def test_a_notebook_gets_html_and_others_text(tower: Tower) -> None:
    bundle = tower.ask("How many accounts?")._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/markdown", "text/plain"}
    assert bundle["text/plain"].startswith("There are 3 accounts [1].")
