"""Cursors that are times: reading them, going back by the overlap, and never past the source's own clock."""

from __future__ import annotations

import datetime as dt
from typing import Any

AHEAD = dt.timedelta(minutes=1)  # two clocks of one system may differ by so much


def moment(text: object) -> dt.datetime | None:
    """An ISO time as a moment in UTC (without a zone it is UTC); None for anything else."""
    if not isinstance(text, str) or len(text) < 10:
        return None
    try:
        found = dt.datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return (found if found.tzinfo is not None else found.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)


def rewound(cursor: Any, seconds: float) -> Any:
    """A cursor that is a time, `seconds` earlier and in the same form; any other cursor as it is."""
    found = moment(cursor)
    if found is None or seconds <= 0:
        return cursor
    return written(found - dt.timedelta(seconds=seconds))


def written(when: dt.datetime) -> str:
    """A moment as ISO text in UTC with milliseconds, as most systems take it."""
    return when.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03d}Z"


def higher(highest: Any, value: Any, now: dt.datetime) -> Any:
    """The higher of two cursors. A time that lies ahead of the source's own clock does not count: records that come
    later, with right times, would be passed over."""
    if value is None or isinstance(value, bool) or not isinstance(value, str | int | float):
        return highest
    mine = moment(value)
    if mine is not None and mine > now + AHEAD:
        return highest
    if highest is None:
        return value
    other = moment(highest)
    if mine is not None and other is not None:
        return value if mine > other else highest
    return max(value, highest) if type(value) is type(highest) else highest
