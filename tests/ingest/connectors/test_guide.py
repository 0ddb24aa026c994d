"""The connector that docs/connectors.md shows, taken from there as it stands, passes the contract."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from index.store.store import Store
from ingest.config import load_sources
from ingest.connectors import kinds
from ingest.progress import SyncReport
from ingest.sync.sources import sync
from tests.ingest.connectors.contract import ConnectorContract
from tests.ingest.connectors.simulators.tracker import Tracker

GUIDE = Path(__file__).parents[3] / "docs" / "connectors.md"
MODULE = "guide_of_tower.tracker"


@pytest.fixture(scope="module", autouse=True)
def _module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The guide's connector as an importable module."""
    folder = tmp_path_factory.mktemp("guide")
    package = folder / "guide_of_tower"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "tracker.py").write_text(_code(), encoding="utf-8")
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    yield
    sys.path.remove(str(folder))
    for name in [n for n in sys.modules if n.startswith("guide_of_tower")]:
        del sys.modules[name]


def _code() -> str:
    return GUIDE.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]


class TestGuide(ConnectorContract):
    table, column, secret = "issues", "title", Tracker.secret

    @pytest.fixture
    def system(self) -> Iterator[Tracker]:
        tracker = Tracker()
        with tracker.running():
            yield tracker

    def source(self, system: Tracker, home: Path) -> dict[str, Any]:
        return {
            "kind": MODULE, "url": system.url, "token": system.secret, "project": "boots", "first_wait": 0.005,
            "timeout": 0.25, "longest_wait": 0.05,
        }  # fmt: skip

    def write(self, system: Tracker, number: int, text: str) -> None:
        system.change(number, title=text, body="It leaks.")

    def remove(self, system: Tracker, number: int) -> None:
        system.drop(number)

    def silenced(self, system: Tracker, home: Path, store: Store) -> SyncReport | None:
        system.events.clear()
        (report,) = sync(self.config(system, home), store, None, reconcile=True)
        return report


def test_the_guides_connector_is_short() -> None:
    assert len(_code().splitlines()) < 120


def test_the_guide_names_every_kind_and_its_example_is_accepted() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    assert [kind for kind in kinds() if f"| `{kind}` |" not in text] == []
    import yaml

    example = yaml.safe_load(text.split("```yaml\n")[1].split("```")[0])
    names = ("SAP_PASSWORD", "BILLING", "ZENDESK", "MAIL", "S3_KEY", "S3_SECRET")
    del example["sources"]["crm"]["private_key"]  # a file that is not there
    config = load_sources(example["sources"], Path(), {**dict.fromkeys(names, "hidden-value"), "SF_CLIENT_ID": "tower"})
    assert len(config.sources) == 7 and "hidden-value" not in repr(config)
