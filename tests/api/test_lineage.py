"""`tower sources`, `quarantine`, `lineage`, and promises in the status, on a workspace of a REST source."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from api.cli import main
from tests.ingest.connectors.simulators.rest import RestApi
from tests.ingest.connectors.test_rest import source


@pytest.fixture
def api() -> Iterator[RestApi]:
    made = RestApi()
    with made.running():
        for n in range(12):
            made.change(f"T{n}", name=f"name {n}", amount=n)
        yield made


@pytest.fixture
def home(tmp_path: Path, api: RestApi) -> Path:
    mapping = {"crm": {**source(api, "cursor"), "promise": "1h"}, "later": {**source(api, "page"), "promise": "1s"}}
    mapping["later"]["tables"] = {"late_things": {"from": "things"}}
    mapping["crm"]["tables"] = {"things": {}}
    (tmp_path / "tower.yaml").write_text(yaml.safe_dump({"sources": mapping}))
    return tmp_path


def _run(home: Path, capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> Any:
    assert main([*arguments, "--home", str(home), "--json"]) == status
    return json.loads(capsys.readouterr().out)


def test_sources_are_tried_without_reading_them(home: Path, api: RestApi, capsys: pytest.CaptureFixture[str]) -> None:
    crm, later = _run(home, capsys, "sources")
    assert (crm["status"], crm["streams"]) == ("ok", ["things"]) and "/things answers" in crm["connection"]
    api.secret = "another-secret"  # type: ignore[misc]
    (failed,) = _run(home, capsys, "sources", "crm", status=1)
    assert "sign-in was refused" in failed["message"] and "rest-secret-value" not in json.dumps(failed)
    assert later["status"] == "ok"


def test_a_row_tells_its_source_and_sync_and_quarantine_is_retried(
    home: Path, api: RestApi, capsys: pytest.CaptureFixture[str]
) -> None:
    _run(home, capsys, "ingest", "crm")
    found = _run(home, capsys, "lineage", "things", "T3")
    assert (found["source"], found["stream"], found["values"]["name"]) == ("crm", "things", "name 3")
    assert found["run"]["source"] == "crm" and found["run"]["loaded"] == 12
    assert "no row" in _run(home, capsys, "lineage", "things", "none", status=1)["error"]["message"]
    late = _run(home, capsys, "status")["late"]
    assert [(one["source"], one["age_s"], one["promise_s"]) for one in late] == [("later", None, 1.0)]
    api.change("T4", amount="a lot")
    _run(home, capsys, "ingest", "crm")
    (aside,) = _run(home, capsys, "quarantine", "list", "crm")
    assert aside["origin"] == "things#T4" and "amount" in aside["reason"]
    api.change("T4", amount=5)
    (report,) = _run(home, capsys, "quarantine", "retry")
    assert report["source"] == "crm" and report["quarantined"] == 0
    assert _run(home, capsys, "quarantine", "list") == []
    assert _run(home, capsys, "quarantine", "retry") == []
