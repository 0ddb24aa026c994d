"""What servers share of a browser's sign-in: one contract for the process and for Redis, and what Redis may know."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from api.access.shelf import LocalShelf, RedisShelf, Shelf, shelf_of
from api.settings import ConsoleSettings, LimitsSettings
from index.errors import SettingsError, StorageError
from tests.api import redis_server

KEY = "k" * 32


@pytest.fixture(scope="module")
def redis() -> Iterator[str]:
    with redis_server.running() as url:
        yield url


@pytest.fixture(params=["local", "redis"])
def held(request: pytest.FixtureRequest) -> Shelf:
    if request.param == "local":
        return LocalShelf()
    return RedisShelf(request.getfixturevalue("redis"), "", f"t{secrets.token_hex(4)}", KEY)


def test_what_is_put_is_there_until_its_time_or_until_it_is_taken(held: Shelf) -> None:
    held.put("a", "größer", 60)
    held.put("b", "", 60)
    held.put("brief", "x", 0.05)
    assert (held.get("a"), held.get("a"), held.get("b"), held.get("c")) == ("größer", "größer", "", None)
    assert (held.take("a"), held.take("a"), held.get("a"), held.take("never")) == ("größer", None, None, None)
    time.sleep(0.06)
    assert (held.get("brief"), held.take("brief")) == (None, None)


def test_of_many_who_add_it_at_once_one_is_first(held: Shelf) -> None:
    for turn in range(20):
        with ThreadPoolExecutor(8) as threads:
            known = list(threads.map(lambda at, name=f"a{turn}": held.add(name, str(at), 60), range(8)))
        assert known.count(None) == 1
        assert {one for one in known if one is not None} == {str(known.index(None))} == {held.get(f"a{turn}")}
    held.add("brief", "x", 0.05)
    time.sleep(0.06)
    assert held.add("brief", "y", 60) is None and held.get("brief") == "y"


def test_of_many_who_take_it_at_once_one_gets_it(held: Shelf) -> None:
    for turn in range(20):
        held.put(f"n{turn}", "x", 60)
        with ThreadPoolExecutor(8) as threads:
            taken = list(threads.map(lambda _, name=f"n{turn}": held.take(name), range(8)))
        assert taken.count("x") == 1 and taken.count(None) == 7


def test_the_process_holds_so_many_and_the_oldest_go() -> None:
    held = LocalShelf(most=3)
    for name in "abcd":
        held.put(name, name, 60)
    assert [held.get(name) for name in "abcd"] == [None, "b", "c", "d"]


def test_redis_holds_neither_names_nor_texts_and_what_others_write_there_is_nothing(redis: str) -> None:
    from redis import Redis

    prefix = f"t{secrets.token_hex(4)}"
    ours, theirs = (RedisShelf(redis, "", prefix, key) for key in (KEY, "o" * 32))
    ours.put("session:id", "eyJ-token", 60)
    client = Redis.from_url(redis)
    (address,) = list(client.scan_iter(f"{prefix}*"))
    content = client.get(address)
    assert isinstance(content, bytes)
    assert b"session:id" not in address and b"eyJ-token" not in content and 0 < client.ttl(address) <= 60
    assert theirs.get("session:id") is None  # another key: another place, and nothing to read
    ours.put("session:other", "somebody else", 60)
    (other,) = [one for one in client.scan_iter(f"{prefix}*") if one != address]
    for forged in (b"", b"short", content[:-1] + bytes([content[-1] ^ 1]), client.get(other)):
        client.set(address, forged)  # the last is a real entry, moved to where another stood
        assert ours.get("session:id") is None


def test_a_store_that_does_not_answer_is_told_and_lets_nobody_in() -> None:
    held = RedisShelf("redis://127.0.0.1:1", "", "t", KEY)
    for asked in (
        lambda: held.put("a", "b", 1),
        lambda: held.add("a", "b", 1),
        lambda: held.get("a"),
        lambda: held.take("a"),
    ):
        with pytest.raises(StorageError, match="store that the servers share"):
            asked()


def test_sessions_are_shared_where_both_redis_and_the_key_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    console, shared = ConsoleSettings(), LimitsSettings(redis_url="redis://127.0.0.1:1")
    assert isinstance(shelf_of(console, shared), LocalShelf)
    monkeypatch.setenv("TOWER_SESSION_KEY", KEY)
    assert isinstance(shelf_of(console, shared), RedisShelf)
    with pytest.raises(SettingsError, match="redis_url"):
        shelf_of(console, LimitsSettings())
    monkeypatch.setenv("TOWER_SESSION_KEY", "short")
    with pytest.raises(SettingsError, match="32 characters"):
        shelf_of(console, shared)
