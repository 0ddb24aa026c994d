"""What the whole suite relies on: no network but loopback (pytest-socket), and an environment without our variables."""

import pytest

from api.settings import ENVIRONMENT


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ENVIRONMENT:
        if name != "TOWER_CACHE":  # a cache only makes things quicker
            monkeypatch.delenv(name, raising=False)
