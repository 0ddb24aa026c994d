"""The sample company's calendar: its fixed `today`, its two years of history, and small date helpers."""

from __future__ import annotations

import datetime as dt

TODAY = dt.date(2026, 5, 18)
START = dt.date(2024, 5, 20)
"""First day of the history, a Monday."""
WEEKS = 104
"""Whole weeks of history; the last one ends the day before `TODAY`."""


def week_start(index: int) -> dt.date:
    """The Monday of week `index` (0 is the first week of the history)."""
    return START + dt.timedelta(weeks=index)


def week_of(day: dt.date) -> int:
    """The index of the week that holds `day`; negative before the history."""
    return (day - START).days // 7


def quarter_start(day: dt.date) -> dt.date:
    """The first day of the calendar quarter that holds `day`."""
    return dt.date(day.year, 3 * ((day.month - 1) // 3) + 1, 1)


def add_months(day: dt.date, months: int) -> dt.date:
    """`day` moved by whole months, kept within the month (31 January plus one month is 28 or 29 February)."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    last = (dt.date(year + (month == 11), (month + 1) % 12 + 1, 1) - dt.timedelta(days=1)).day
    return dt.date(year, month + 1, min(day.day, last))


def quarter_end(day: dt.date) -> dt.date:
    """The last day of the calendar quarter that holds `day`."""
    return add_months(quarter_start(day), 3) - dt.timedelta(days=1)
