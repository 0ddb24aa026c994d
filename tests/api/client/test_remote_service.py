"""The thin client's service: the same results and failures as the workspace that the server owns."""

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from api.client.presence import FILE, announce, present
from api.client.remote_service import RemoteService, connect
from api.encode import plain
from index.errors import BusyError, EmptyQuestion, NotFoundError, PolicyError, SourceError, SqlRejected, UsageError
from tests.api.fake import FakeService
from tests.api.served import served


@pytest.fixture
def service() -> FakeService:
    return FakeService()


@pytest.fixture
def remote(tmp_path: Path, service: FakeService) -> Iterator[RemoteService]:
    with served(tmp_path, service):
        found = connect(tmp_path)
        assert found is not None
        yield found


def test_every_read_gives_what_the_workspace_gives(remote: RemoteService, service: FakeService) -> None:
    there, here = remote.scope_for("ann"), service.scope_for("ann")
    assert remote.ask("Who leaves?", there) == service.ask("Who leaves?", here)
    assert remote.explain("How many?", there) == service.explain("How many?", here)
    assert remote.search("zips", there, 3) == service.search("zips", here, 3)
    assert remote.churn(there, "A1") == service.churn(here, "A1")
    assert remote.models.versions(there) == service.models.versions(here)
    assert remote.models.card(there, "v1") == service.models.card(here, "v1")
    assert remote.models.train(there, lambda *_: None) == service.models.train(here, lambda *_: None)
    with pytest.raises(NotFoundError):
        remote.models.card(there, "v9")
    assert remote.catalogue == service.catalogue
    assert remote.status() == {**service.status(), "served": {"url": remote.presence.url, "pid": os.getpid()}}
    query, rows = remote.sql("SELECT 1", there)
    assert (query.text, plain(rows)) == (service.sql("SELECT 1", here)[0].text, plain(service.sql("SELECT 1", here)[1]))


def test_an_answer_is_read_again_and_its_citations_are_checked_there(
    remote: RemoteService, service: FakeService
) -> None:
    scope = remote.scope_for(None)
    answer = remote.ask("How many accounts?", scope)
    assert remote.answer(answer.id, scope) == answer
    assert remote.check_citations(answer, scope) == []
    service.faults = ("[1] is gone",)
    assert remote.check_citations(answer, scope) == ["[1] is gone"]


def test_an_answer_is_followed_while_it_is_made(remote: RemoteService) -> None:
    told: list[str] = []
    answer = remote.ask("How many accounts?", remote.scope_for(None), on_event=lambda name, data: told.append(name))
    assert told == ["route", "done"]
    assert answer.answer == "There are 3 accounts [1]."


def test_drafts_are_listed_edited_and_decided(remote: RemoteService) -> None:
    scope, queue = remote.scope_for(None), remote.drafts
    assert [draft["id"] for draft in queue.list(scope)] == ["d1"]
    assert queue.list(scope, "approved") == []
    assert queue.edit(scope, "d1", subject="Ünother")["subject"] == "Ünother"
    assert queue.get(scope, "d1")["subject"] == "Ünother"
    assert queue.reject(scope, "d1", "no")["reason"] == "no"
    with pytest.raises(UsageError, match="already"):
        queue.approve(scope, "d1")


def test_failures_are_the_same_errors(remote: RemoteService) -> None:
    scope = remote.scope_for(None)
    with pytest.raises(SqlRejected, match="only SELECT") as raised:
        remote.sql("DROP TABLE x", scope)
    assert raised.value.hint == "write one SELECT"
    with pytest.raises(EmptyQuestion):
        remote.ask(" ", scope)
    with pytest.raises(EmptyQuestion):
        remote.ask(" ", scope, on_event=lambda name, data: None)
    with pytest.raises(NotFoundError):
        remote.drafts.get(scope, "a/b?c")
    with pytest.raises(PolicyError, match="mallory"):
        remote.ask("How many accounts?", remote.scope_for("mallory"))


def test_an_ingest_runs_in_the_server_and_tells_its_progress(remote: RemoteService) -> None:
    told: list[tuple[str, int, int | None]] = []
    reports = remote.ingest(["crm"], False, lambda *step: told.append(step))
    assert reports[0]["loaded"] == 2
    assert told == [("crm", 3, 3)]
    assert remote.reindex([], True, False, lambda *step: None) == {"generation": "g2", "chunks": 1}
    assert remote.roll_back(lambda *step: None) == {"generation": "g0"}
    with pytest.raises(NotFoundError, match="nowhere"):
        remote.ingest(["nowhere"], False, lambda *step: None)


def test_two_ingests_at_a_time_are_refused_and_questions_go_on(
    remote: RemoteService, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(*_: Any, **_more: Any) -> list[Any]:
        begun.set()
        go_on.wait(20)
        return []

    monkeypatch.setattr(service, "ingest", slow)
    first = threading.Thread(target=remote.ingest, args=([], False, lambda *step: None))
    first.start()
    assert begun.wait(20)
    with pytest.raises(BusyError, match=r"ingest .* is running"):
        remote.reindex([], True, False, lambda *step: None)
    assert remote.search("zips", remote.scope_for(None), 1)
    go_on.set()
    first.join(20)
    assert not first.is_alive()


def test_a_wrong_token_is_refused_and_the_owners_header_means_nothing_without_one(
    remote: RemoteService, tmp_path: Path
) -> None:
    announce(tmp_path, remote.presence.url, remote.presence.server, "guessed")
    guessed = connect(tmp_path)
    assert guessed is not None
    with pytest.raises(PolicyError, match="token"):
        guessed.search("zips", guessed.scope_for(None), 1)
    body = json.dumps({"query": "zips"}).encode()
    headers = {"Content-Type": "application/json", "X-Tower-As": "mallory"}
    with urlopen(Request(remote.presence.url + "/v1/search", body, headers)) as response:
        assert response.status == 200  # asked as the local administrator, not as mallory


def test_another_server_at_the_address_is_not_taken_for_the_owner(remote: RemoteService, tmp_path: Path) -> None:
    announce(tmp_path, remote.presence.url, "another", "t")
    assert connect(tmp_path) is None
    announce(tmp_path, "http://127.0.0.1:9", remote.presence.server, "t")
    assert connect(tmp_path) is None


def test_a_server_that_stops_is_told_as_such(tmp_path: Path, service: FakeService) -> None:
    with served(tmp_path, service):
        remote = connect(tmp_path)
    assert remote is not None
    assert present(tmp_path) is None
    assert not (tmp_path / FILE).exists()
    with pytest.raises(SourceError, match="no answer from"):
        remote.search("zips", remote.scope_for(None), 1)
