"""Eight users over every route: no response holds what its user may not see. `scripts/fuzz_http.py` is the long run."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tests.api.eight_users import USERS, World, foreign, leaks, open_world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    found = open_world(tmp_path_factory.mktemp("eight") / "home")
    yield found
    found.close()


def test_no_response_holds_what_its_user_may_not_see(world: World) -> None:
    chance = random.Random(11)
    found = [leak for _ in range(160) for leak in leaks(world, chance.choice(list(USERS)), chance)]
    assert found == []
    assert len(world.answers) > 5


def test_the_oracle_would_notice(world: World) -> None:
    """What one user is told is mostly foreign to another, so that a mix-up would be seen."""
    headers = {"Authorization": f"Bearer {world.tokens['root']}"}
    told = world.client.post("/v1/sql", json={"sql": "SELECT * FROM accounts"}, headers=headers).text.lower()
    noticed = {user: sum(text in told for text in foreign(user)) for user in USERS}
    assert noticed["root"] == 0 and noticed["clerk"] >= 3
    assert min(noticed[user] for user in ("emma", "akira", "omar", "zoe", "nora", "ivy")) >= 4


def test_the_catalogue_holds_no_values_that_its_reader_sees_masked(world: World) -> None:
    headers = {"Authorization": f"Bearer {world.tokens['root']}"}
    told = world.client.get("/v1/admin/catalogue", headers=headers).text
    assert "Midmarket" in told and "Person A1" not in told and "pin-A1" not in told
