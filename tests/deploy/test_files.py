"""The files in `deploy/` agree with the code and with each other. No container engine runs them here."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from api.access.signin import SignIn
from api.commands.serving import require_sign_in
from api.settings import load_settings
from index.errors import PolicyError

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text("utf-8")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    return found


@pytest.fixture(scope="module")
def kubernetes() -> dict[str, dict[str, Any]]:
    documents = yaml.safe_load_all((DEPLOY / "kubernetes" / "tower.yaml").read_text("utf-8"))
    return {document["kind"]: document for document in documents}


def test_the_settings_hold_and_may_be_served_outside(tmp_path: Path) -> None:
    (tmp_path / "tower.yaml").write_text((DEPLOY / "tower.yaml").read_text("utf-8"), "utf-8")
    settings = load_settings(tmp_path)
    sign_in = SignIn(settings.signin, settings.home)
    with pytest.raises(PolicyError, match="declares no users"):
        require_sign_in(settings, sign_in, "0.0.0.0", None)
    (tmp_path / "policy.yaml").write_text("version: 1\nusers: {}\n", "utf-8")
    require_sign_in(settings, sign_in, "0.0.0.0", None)


def test_the_image_holds_every_package_and_runs_as_nobody_special() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/py.typed")}
    assert packages == set(re.findall(r"^COPY (\w+) \./\1$", DOCKERFILE, re.M))
    assert re.findall(r"^USER (.+)$", DOCKERFILE, re.M) == ["10001"]
    assert all(":" in image for image in re.findall(r"^FROM (\S+)", DOCKERFILE, re.M))


def test_every_service_is_pinned_comes_back_and_hides_behind_the_gateway(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["restart"] == "unless-stopped", name
        assert "build" in service or re.search(r":v?\d", service["image"]), name
        assert ("ports" in service) == (name == "tower"), name
        if name not in ("tower", "worker", "gateway"):
            assert service["networks"] == ["inside"], name
    assert compose["networks"]["inside"]["internal"]
    assert compose["services"]["tower"]["ports"] == ["127.0.0.1:8080:8080"]


def test_the_settings_name_the_services_of_the_composition(compose: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "tower.yaml").write_text((DEPLOY / "tower.yaml").read_text("utf-8"), "utf-8")
    settings = load_settings(tmp_path)
    for url in (settings.vectors.url, settings.index.url, settings.limits.redis_url):
        host = re.search(r"(?:@|//)([a-z]+):\d+", url)
        assert host and host[1] in compose["services"], url
    server, worker = (compose["services"][name] for name in ("tower", "worker"))
    assert settings.vectors.api_key_env in server["environment"]
    assert settings.jobs.shared and settings.jobs.run_by == "workers" and worker["command"] == ["worker"]
    assert server["environment"].items() >= worker["environment"].items() and server["volumes"] == worker["volumes"]
    assert "tower" in settings.server.names


def test_secrets_come_from_the_environment(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for name, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|KEY", name):
                assert re.fullmatch(r"\$\{[A-Z_]+:\?\}", value), name


def test_a_stop_gives_the_server_the_time_that_it_takes(
    compose: dict[str, Any], kubernetes: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    (tmp_path / "tower.yaml").write_text((DEPLOY / "tower.yaml").read_text("utf-8"), "utf-8")
    drain = load_settings(tmp_path).server.drain_s
    assert int(compose["services"]["tower"]["stop_grace_period"].removesuffix("s")) > drain
    assert kubernetes["StatefulSet"]["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] > drain


def test_the_pod_is_locked_down_and_probed_where_the_api_answers(kubernetes: dict[str, dict[str, Any]]) -> None:
    pod = kubernetes["StatefulSet"]["spec"]["template"]["spec"]
    container = pod["containers"][0]
    assert kubernetes["StatefulSet"]["spec"]["replicas"] == 1  # one process owns a workspace
    assert pod["securityContext"]["runAsNonRoot"] and container["securityContext"]["readOnlyRootFilesystem"]
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert {mount["name"] for mount in container["volumeMounts"]} == {"workspace", "files", "tmp"}


def test_the_gateway_sends_to_tower(compose: dict[str, Any]) -> None:
    text = (DEPLOY / "nginx.conf").read_text("utf-8")
    assert "server 127.0.0.1:8000;" in text and "listen 8080;" in text
    assert compose["services"]["gateway"]["network_mode"] == "service:tower"  # so that both addresses are right
    assert compose["services"]["tower"]["environment"]["TOWER_SERVER_HOST"] == "127.0.0.1"
