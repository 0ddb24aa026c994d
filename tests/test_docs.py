"""The documentation is complete: every command, option, setting, variable, route and dependency is in it."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from fastapi.testclient import TestClient
from pydantic import BaseModel

from api.cli import app
from api.console import routers as console
from api.http.app import create_app
from api.settings import ENVIRONMENT, Settings
from index import errors
from tests.api.fake import FakeService

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]
EVERYWHERE = frozenset({"--help", "--home", "--json", "--version", "--install-completion", "--show-completion"})


def read(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8")


def commands() -> Iterator[tuple[str, list[str]]]:
    """Each command with its options, long form where there is one."""
    root = typer.main.get_command(app)
    for name, command in root.commands.items():  # type: ignore[attr-defined]
        for sub, inner in getattr(command, "commands", {"": command}).items():
            options = [max(p.opts, key=len) for p in inner.params if p.param_type_name == "option"]
            yield f"{name} {sub}".strip(), options


@pytest.mark.parametrize(("command", "options"), commands())
def test_every_command_and_option_is_documented(command: str, options: list[str]) -> None:
    lines = [line for line in read("commands.md").splitlines() if line.startswith(f"| `tower {command}")]
    assert len(lines) == 1, f"docs/commands.md needs one line for `tower {command}`"
    assert [option for option in options if option not in EVERYWHERE and option not in lines[0]] == []


def settings(section: type[BaseModel] = Settings, prefix: str = "") -> Iterator[str]:
    for name, info in section.model_fields.items():
        kind = info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel) and kind.__name__ != "ModelSettings":
            yield from settings(kind, f"{prefix}{name}.")
        elif isinstance(kind, type) and issubclass(kind, BaseModel):
            yield prefix + name
            yield from kind.model_fields
        else:
            yield prefix + name


@pytest.mark.parametrize("name", [*dict.fromkeys(settings()), *ENVIRONMENT])
def test_every_setting_and_variable_is_documented(name: str) -> None:
    assert f"`{name}`" in read("settings.md")


def test_every_route_is_documented_and_every_documented_route_exists() -> None:
    schema = TestClient(create_app(FakeService())).get("/openapi.json").json()
    routes = {f"{method.upper()} {path}" for path, methods in schema["paths"].items() for method in methods}
    pages = [route for router in console for route in router.routes]
    routes |= {f"{method} {route.path}" for route in pages for method in route.methods}  # type: ignore[attr-defined]
    routes |= {"GET /openapi.json", "GET /openapi-3.0.json", "POST /mcp"}
    assert set(re.findall(r"`((?:GET|POST|PATCH|PUT|DELETE) /[^`]*)`", read("http.md"))) == routes


def test_every_error_code_is_documented() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.TowerError)]
    assert [kind.code for kind in kinds if f"`{kind.code}`" not in read("http.md")] == []


def test_every_dependency_is_documented() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    names = {re.split(r"[\[<>=~! ]", requirement)[0] for requirement in wanted}
    listed = set(re.findall(r"^\| ([^|]+) \|", read("dependencies.md"), re.MULTILINE))
    documented = {name.strip() for cell in listed for name in cell.split(",")}
    assert documented - {"package", "---"} == names


def test_the_lock_pins_every_dependency_exactly() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert [line for line in pins if not re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9_.!]+", line)] == []
    locked = {_normal(line.split("==")[0]): line.split("==")[1] for line in pins}
    wanted = project["project"]["dependencies"] + project["project"]["optional-dependencies"]["dev"]
    names = {_normal(re.split(r"[\[<>=~! ]", requirement)[0]) for requirement in wanted}
    assert names - set(locked) == set()
    for requirement in project["build-system"]["requires"]:  # the build runs without isolation, on what is locked
        name, version = requirement.split("==")
        assert locked[name] == version


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_resolves(page: Path) -> None:
    targets = re.findall(r"\]\(([^)\s#]+)[^)]*\)", page.read_text(encoding="utf-8"))
    local = [target for target in targets if "://" not in target]
    assert [target for target in local if not (page.parent / target).exists()] == []


def test_every_promise_names_tests_that_exist() -> None:
    rows = read("security.md").split("## Promises")[1].split("\n| --- | --- |\n")[1].split("\n\n")[0].splitlines()
    named = [(row.split("|")[1].strip(), re.findall(r"`(tests/[^`]+\.py)::(\w+)`", row.split("|")[2])) for row in rows]
    assert [promise for promise, tests in named if not tests] == []
    missing = [
        f"{path}::{name}"
        for _, tests in named
        for path, name in tests
        if not (ROOT / path).is_file() or f"def {name}(" not in (ROOT / path).read_text(encoding="utf-8")
    ]
    assert missing == []
