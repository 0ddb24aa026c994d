"""What runs is waited for, and what begins meanwhile is not."""

from __future__ import annotations

import threading

from api.running import Running


def test_those_that_run_are_waited_for_and_later_ones_are_not() -> None:
    running, go, begun = Running(), threading.Event(), threading.Event()

    def question() -> None:
        with running.one():
            begun.set()
            go.wait(10)

    assert running.wait(0)
    thread = threading.Thread(target=question)
    thread.start()
    begun.wait(10)
    assert not running.wait(0.01)
    waited: list[bool] = []
    waiter = threading.Thread(target=lambda: waited.append(running.wait(10)))
    waiter.start()
    with running.one():
        go.set()
        waiter.join()
        thread.join()
        assert waited == [True]
        assert not running.wait(0.01)
    assert running.wait(0)
