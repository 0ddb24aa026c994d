"""Metrics of a server: what is counted, labels without ids, and a dashboard that names only what exists."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from api.access.limits import Limits
from api.access.signin import SignIn
from api.access.tokens import issue
from api.audit import Audited
from api.http.app import create_app
from api.settings import LimitSettings, LimitsSettings, SigninSettings, load_settings
from api.telemetry.metrics import Metrics
from api.wiring import open_workspace
from index.stages import OBSERVERS
from query.models.metered import Metered
from query.models.model import Completion
from tests.api.fake import FakeService
from tests.governed import build

ROOT = Path(__file__).parents[3]
DASHBOARD = ROOT / "docs" / "dashboards" / "tower.json"
NAMES = re.compile(r"tower_[a-z_]+")


def values(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def exposed(text: str) -> set[str]:
    """Every series that a scrape can give, whether or not it has a value yet."""
    kinds = dict(re.findall(r"^# TYPE (\S+) (\w+)$", text, re.MULTILINE))
    return {
        name + suffix
        for name, kind in kinds.items()
        for suffix in (("_bucket", "_sum", "_count") if kind == "histogram" else ("",))
    }


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("metrics") / "home")


@pytest.fixture(scope="module")
def workspace(home: Path) -> Iterator[Audited]:
    opened = open_workspace(home, load_settings(home))
    yield opened
    opened.close()


def test_a_question_is_counted_by_route_stage_and_path(workspace: Audited, home: Path) -> None:
    limits = Limits(LimitsSettings(user=LimitSettings(requests_per_minute=3)))
    app = create_app(workspace, sign_in=SignIn(SigninSettings(), home), limits=limits)
    with TestClient(app) as client:
        emma = {"Authorization": f"Bearer {issue(home, 'emma', 1)}"}
        statuses = [
            client.post("/v1/ask", json={"question": "How many accounts are there?"}, headers=emma).status_code
            for _ in range(5)
        ]
        assert client.get("/v1/answers/nowhere").status_code == 401
        root = {"Authorization": f"Bearer {issue(home, 'root', 1)}"}
        text = client.get("/metrics", headers=root).text
    assert statuses == [200, 200, 200, 429, 429]
    found = values(text)

    def value(name: str, **labels: str) -> float:
        return found[name, frozenset(labels.items())]

    assert value("tower_requests_total", method="POST", route="/v1/ask", status="200") == 3
    assert value("tower_refused_total", why="limited") == 2
    assert value("tower_refused_total", why="unauthorized") == 1
    assert value("tower_request_seconds_count", route="/v1/ask") >= 3
    assert value("tower_answers_total", path="sql") == 3
    for stage in ("ask", "plan", "sql", "compose", "prove"):
        assert value("tower_stage_seconds_count", stage=stage) >= 3, stage
    assert value("tower_requests_open") == 1  # this one
    assert "nowhere" not in text


def test_jobs_are_counted_by_what_became_of_them() -> None:
    with TestClient(create_app(FakeService())) as client:
        job = client.post("/v1/admin/ingest", json={}).json()["id"]
        client.get(f"/v1/admin/jobs/{job}/events")
        text = client.get("/metrics").text
    assert 'tower_jobs{kind="ingest",status="done"} 1.0' in text


def test_a_model_is_counted_in_tokens_and_cost() -> None:
    class Talker:
        name = "talker"

        def complete(self, messages: object, *, within_s: float) -> Completion:
            return Completion("yes", 700, 30)

    metrics = Metrics()
    token = OBSERVERS.set((metrics,))
    Metered(Talker(), 2.0, 10.0).complete([], within_s=1)
    OBSERVERS.reset(token)
    text = metrics.text()
    assert 'tower_model_tokens_total{direction="in"} 700.0' in text
    assert 'tower_model_tokens_total{direction="out"} 30.0' in text
    assert "tower_model_cost_total 0.0017" in text


@pytest.mark.parametrize("path", ["/v1/drafts/d1", "/nothing/at/all", "/v1/drafts/secret-name"])
def test_no_id_and_nothing_made_up_becomes_a_label(path: str) -> None:
    with TestClient(create_app(FakeService())) as client:
        client.get(path)
        client.request("BREW", path)
        text = client.get("/metrics").text
    assert path not in text
    assert "BREW" not in text


def test_the_dashboard_names_only_metrics_that_exist() -> None:
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    expressions = [target["expr"] for panel in panels for target in panel.get("targets", ())]
    named = {name for expression in expressions for name in NAMES.findall(expression)}
    assert named - exposed(Metrics().text()) == set()
    assert len(expressions) >= 10


def test_every_metric_is_documented_and_on_the_dashboard() -> None:
    text = Metrics().text()
    kinds = dict(re.findall(r"^# TYPE (\S+) (\w+)$", text, re.MULTILINE))
    ours = set(kinds)
    page = (ROOT / "docs" / "observability.md").read_text(encoding="utf-8")
    assert {name for name in ours if f"`{name}`" not in page} == set()
    shown = set(NAMES.findall(DASHBOARD.read_text(encoding="utf-8")))
    assert {name for name in ours if not any(one.startswith(name) for one in shown)} == set()
