"""REST APIs: the contract in every style of paging, and what is REST's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from index.errors import SettingsError
from index.store.store import Store
from ingest.config import load_sources
from ingest.sync.sources import sync
from tests.ingest.company import open_store
from tests.ingest.connectors.contract import ConnectorContract
from tests.ingest.connectors.simulators.base import Faults
from tests.ingest.connectors.simulators.rest import SIZE, RestApi

PAGINGS: dict[str, dict[str, Any]] = {
    "page": {"style": "page", "parameter": "page", "size": SIZE},
    "offset": {"style": "offset", "parameter": "offset", "size": SIZE, "total": "total"},
    "cursor": {"style": "cursor", "parameter": "after", "next": "meta.next"},
    "link": {"style": "link"},
}


def source(api: RestApi, style: str, **stream: Any) -> dict[str, Any]:
    declared = {
        "path": "/things",
        "records": "" if style == "link" else "data.items",
        "key": "id",
        "params": {"style": style},
        "paging": PAGINGS[style],
        **stream,
    }
    return {
        "kind": "rest",
        "url": api.url,
        "auth": {
            "type": "client_credentials",
            "token_url": f"{api.url}/oauth/token",
            "client_id": "tower",
            "client_secret": api.secret,
        },
        "timeout": 0.25,
        "first_wait": 0.005,
        "longest_wait": 0.05,
        "streams": {"things": declared},
    }


class RestContract(ConnectorContract):
    secret = RestApi.secret
    style = "page"
    stream: dict[str, Any] = {}  # noqa: RUF012

    @pytest.fixture
    def system(self) -> Iterator[RestApi]:
        api = RestApi()
        with api.running():
            yield api

    def source(self, system: RestApi, home: Path) -> dict[str, Any]:
        return source(system, self.style, **self.stream)

    def write(self, system: RestApi, number: int, text: str) -> None:
        system.change(str(number), name=text)

    def remove(self, system: RestApi, number: int) -> None:
        system.tick()
        system.remove("things", str(number))


class TestPages(RestContract):
    style = "page"


class TestOffsets(RestContract):
    style = "offset"


class TestTokens(RestContract):
    style = "cursor"


class TestLinks(RestContract):
    style = "link"


class TestSince(RestContract):
    style = "cursor"
    stream = {"cursor": "updated_at", "since": "updated_since", "deletes": "keys"}  # noqa: RUF012


@pytest.fixture
def api() -> Iterator[RestApi]:
    made = RestApi()
    with made.running():
        for n in range(25):
            made.change(str(n), name=f"name {n}", amount=n)
        yield made


def _sync(api: RestApi, home: Path, store: Store, style: str = "cursor", ok: bool = True, **stream: Any) -> Any:
    (report,) = sync(load_sources({"it": source(api, style, **stream)}, home, {}), store, None)
    assert report.ok is ok, report.message
    assert report.totals.balanced
    return report


SINCE = {"cursor": "updated_at", "since": "updated_since", "deletes": "keys"}


def test_only_what_changed_since_is_asked_for(api: RestApi, tmp_path: Path) -> None:
    store = open_store(tmp_path)
    api.tick(3_600)
    api.change("24", name="later than the overlap")
    _sync(api, tmp_path, store, **SINCE)
    api.change("7", name="late")
    api.requests.clear()
    report = _sync(api, tmp_path, store, **SINCE)
    assert (report.totals.read, report.totals.loaded) == (2, 1)
    asked = [r.query.get("updated_since") for r in api.requests if r.path == "/things"]
    assert asked[0] == "2026-03-01T08:55:26.000Z"  # five minutes before the last change that was read


def test_an_answer_with_the_same_etag_is_not_read_again(api: RestApi, tmp_path: Path) -> None:
    store = open_store(tmp_path)
    single: dict[str, Any] = {"path": "/single", "records": "", "paging": {}, "params": {}}
    assert _sync(api, tmp_path, store, **single).totals.loaded == 25
    assert _sync(api, tmp_path, store, **single).totals.read == 0
    assert len(list(store.rows("things", ["id"]))) == 25
    api.change("3", name="x")
    assert _sync(api, tmp_path, store, **single).totals.loaded == 1


def test_a_new_column_is_announced_and_a_changed_type_goes_to_quarantine(api: RestApi, tmp_path: Path) -> None:
    store = open_store(tmp_path)
    _sync(api, tmp_path, store)
    api.change("3", name="x", colour="red")
    api.change("4", amount="a lot")
    report = _sync(api, tmp_path, store)
    assert [w for w in report.warnings if "new at the source: colour" in w and "hidden" in w]
    (aside,) = store.quarantined("it")
    assert aside.origin == "things#4" and "amount" in aside.reason
    assert (
        dict(store.rows("things", ["id", "amount"]))["4" if "4" in dict(store.rows("things", ["id", "amount"])) else 4]
        == 4
    )
    api.change("4", amount=9)
    _sync(api, tmp_path, store)
    assert store.quarantined("it") == []


def test_a_record_with_a_time_ahead_of_the_sources_clock_does_not_hide_later_ones(api: RestApi, tmp_path: Path) -> None:
    store = open_store(tmp_path)
    api.put("things", "99", id="99", name="from tomorrow", updated_at="2026-03-02T09:00:00.000Z")
    _sync(api, tmp_path, store, **SINCE)
    api.change("3", name="after all")
    _sync(api, tmp_path, store, **SINCE)
    assert "after all" in {name for (name,) in store.rows("things", ["name"])}


def test_a_page_that_shifts_while_it_is_read_deletes_nothing(api: RestApi, tmp_path: Path) -> None:
    store = open_store(tmp_path)
    by_id = {"params": {"style": "offset", "order": "id"}}
    _sync(api, tmp_path, store, "offset", **by_id)
    done: list[int] = []

    def shift() -> None:
        if not done:
            done.append(1)
            api.remove("things", "0")

    api.on_page = shift
    api.faults = Faults(("drift",), rate=1.0)
    report = _sync(api, tmp_path, store, "offset", **by_id)
    assert done and report.totals.deleted <= 1
    assert len(list(store.rows("things", ["id"]))) >= 24


@pytest.mark.parametrize(
    "kind", ["too_many", "server_error", "timeout", "reset", "half", "broken_json", "html", "expired"]
)
def test_a_request_that_fails_is_repeated(api: RestApi, tmp_path: Path, kind: str) -> None:
    store = open_store(tmp_path)
    api.faults = Faults((kind,), rate=0.5, most=4)
    _sync(api, tmp_path, store)
    assert api.faults.happened and len(list(store.rows("things", ["id"]))) == 25


def test_a_link_to_another_server_is_not_followed(api: RestApi, tmp_path: Path) -> None:
    store = open_store(tmp_path)
    original = api._list
    api._list = lambda request: _elsewhere(original(request))  # type: ignore[method-assign]
    report = _sync(api, tmp_path, store, "link", ok=False)
    assert "another server" in report.message


def _elsewhere(response: Any) -> Any:
    response.headers["Link"] = '<http://127.0.0.2:1/steal>; rel="next"'
    return response


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "rset"}, "did you mean 'rest'?"),
        ({"urll": "x"}, "did you mean 'url'?"),
        ({"streams": {}}, ""),
        ({"auth": {"type": "token"}}, ""),
        ({"overlap": "5 weeks"}, ""),
        ({"tables": {"things": {"histroy": True}}}, "did you mean 'history'?"),
    ],
)
def test_a_wrong_key_is_named_with_what_is_near(change: dict[str, Any], said: str) -> None:
    mapping = {"kind": "rest", "url": "http://x", "streams": {"a": {"path": "/a"}}, **change}
    with pytest.raises(SettingsError) as error:
        load_sources({"it": mapping}, Path(), {})
    assert error.value.message.startswith("sources.it") and said in error.value.hint


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("hidden-value\n")
    auth = {"type": "token", "token": "${file:key}"}
    mapping = {"kind": "rest", "url": "http://x", "auth": auth, "streams": {"a": {"path": "/a"}}}
    config = load_sources({"it": mapping}, tmp_path, {})
    assert config.sources["it"].secrets()[0] == "hidden-value" and "hidden-value" not in repr(config)
    with pytest.raises(SettingsError, match="no text can be read at"):
        load_sources({"it": {**mapping, "auth": {"type": "token", "token": "${file:gone}"}}}, tmp_path, {})
