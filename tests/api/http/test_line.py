"""Those who search wait in line while others are at work, and are prepared together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from api.http.line import MOST, Line
from index.embedding.asked import Asked


class Prepared:
    """Keeps what was prepared together; fails when it is told to."""

    def __init__(self, fails: bool = False) -> None:
        self.together: list[list[Asked]] = []
        self._fails = fails

    def __call__(self, asked: Sequence[Asked]) -> None:
        self.together.append(list(asked))
        if self._fails:
            raise ValueError("it does not load")


async def _all(line: Line, count: int, most: list[int]) -> list[int]:
    """`count` requests at once; in which order they were served, and how many at a time in `most`."""
    served: list[int] = []
    at_work = 0

    async def one(number: int) -> None:
        nonlocal at_work
        async with line.turn(Asked(str(number))):
            at_work += 1
            most.append(at_work)
            await asyncio.sleep(0.001)
            served.append(number)
            at_work -= 1

    await asyncio.gather(*(one(number) for number in range(count)))
    return served


@pytest.mark.parametrize("fails", [False, True])
def test_everybody_is_served_and_what_waits_is_prepared_together(fails: bool) -> None:
    prepared, most = Prepared(fails), list[int]()
    assert sorted(asyncio.run(_all(Line(prepared), 100, most))) == list(range(100))
    assert max(map(len, prepared.together)) == MOST and min(map(len, prepared.together)) > 1
    assert [asked.text for together in prepared.together for asked in together] == [str(n) for n in range(2, 100)]
    assert max(most) <= 2 * MOST


def test_nobody_waits_where_there_is_no_line() -> None:
    prepared = Prepared()

    async def one_after_the_other(line: Line) -> None:
        for number in range(5):
            async with asyncio.timeout(5), line.turn(Asked(str(number))), line.turn(Asked("beside it")):
                pass

    asyncio.run(one_after_the_other(Line(prepared)))
    assert prepared.together == []


def test_who_leaves_the_line_is_not_waited_for() -> None:
    prepared = Prepared()

    async def left(line: Line) -> list[int]:
        async with line.turn(Asked("a")), line.turn(Asked("b")):
            leaving = asyncio.create_task(_all(line, 1, []))
            await asyncio.sleep(0)
            leaving.cancel()
            await asyncio.gather(leaving, return_exceptions=True)
        async with asyncio.timeout(5):
            return await _all(line, 3, [])

    assert sorted(asyncio.run(left(Line(prepared)))) == [0, 1, 2]


def test_an_error_at_work_makes_room_for_the_next() -> None:
    async def failing(line: Line) -> list[int]:
        for _ in range(3):
            with pytest.raises(KeyError):
                async with line.turn(Asked("a")):
                    raise KeyError
        async with asyncio.timeout(5):
            return await _all(line, 3, [])

    assert sorted(asyncio.run(failing(Line(Prepared())))) == [0, 1, 2]
