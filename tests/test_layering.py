"""The packages import each other in one direction, and the narrow doors stay narrow."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("index", "ingest", "query", "api", "data")
ENGINES = frozenset({"sqlalchemy", "sqlite3", "qdrant_client", "qdrant_edge"})
HARMLESS = frozenset({"make_url", "ArgumentError"})  # reading a URL opens nothing


def modules(*packages: str) -> Iterator[tuple[str, ast.Module]]:
    for package in packages:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.Module) -> set[str]:
    """The top-level names of everything that the module imports, anywhere, but for types alone."""
    names: set[str] = set()
    for node in ast.walk(_without_types(tree)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and {a.name for a in node.names} - HARMLESS:
            names.add(node.module.split(".")[0])
    return names


def _without_types(tree: ast.Module) -> ast.Module:
    body = [n for n in tree.body if not (isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING")]
    return ast.Module(body, [])


def test_imports_flow_one_way() -> None:
    # in a process of its own: it sets up logging for its own
    command = [Path(sys.executable).with_name("lint-imports"), "--config", ROOT / "pyproject.toml", "--no-cache"]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


def test_only_index_holds_an_engine() -> None:
    found = {name: imported(tree) & ENGINES for name, tree in modules("query", "ingest", "api")}
    assert {name: engines for name, engines in found.items() if engines} == {}


READERS = (
    "api/settings.py",
    "api/home.py",  # where the workspace is must be known before settings are loaded
    "api/start.py",  # it switches off what a library would do at its import
)


def test_only_the_settings_read_the_environment() -> None:
    readers = [
        name
        for name, tree in modules("index", "ingest", "query", "api")
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv") and name not in READERS
    ]
    assert readers == []


def test_only_the_demo_imports_the_sample_company() -> None:
    assert [name for name, tree in modules("index", "ingest", "query", "api") if "data" in imported(tree)] == [
        "api/demo.py"
    ]


def test_no_module_has_more_than_450_lines() -> None:
    long = {
        path.relative_to(ROOT).as_posix(): lines
        for package in (*PACKAGES, "tests")
        for path in (ROOT / package).rglob("*.py")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 450
    }
    assert long == {}
