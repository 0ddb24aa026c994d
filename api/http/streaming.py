"""An answer, or a job, as server-sent events while it is being made.

The streams wait in the event loop: one that is silent for long takes no thread from the requests beside it, and ends
with its connection.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from fastapi.responses import StreamingResponse

from api.encode import answer_json, error_body, to_json
from index.errors import TowerError

if TYPE_CHECKING:
    from api.service import OnEvent
    from api.upkeep.jobs import Jobs
    from query.answer import Answer

KEEP_ALIVE_S = 15.0
SILENCE = ": still working\n\n"
LOOK_S = 0.1  # between two looks at a job


def streamed(events: AsyncIterator[str]) -> StreamingResponse:
    """Events as a response that no proxy holds back."""
    return StreamingResponse(events, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


async def ask_events(asked: Callable[[OnEvent], Answer]) -> AsyncIterator[str]:
    """Events as `asked` reports them, then `done` with its whole answer, or `error` with code, message, hint.

    It works in a thread of its own; a comment is sent every 15 s so that proxies keep the connection.
    """
    loop = asyncio.get_running_loop()
    parts: asyncio.Queue[tuple[str, Any] | None] = asyncio.Queue()

    def put(part: tuple[str, Any] | None) -> None:
        with suppress(RuntimeError):  # the server has stopped, and nobody listens any more
            loop.call_soon_threadsafe(parts.put_nowait, part)

    def on_event(name: str, data: Mapping[str, Any]) -> None:
        if name not in ("done", "error"):  # how the stream ends is said here, with the whole answer
            put((name, data))

    def work() -> None:
        try:
            put(("done", answer_json(asked(on_event))))
        except TowerError as error:
            put(("error", error_body(error)["error"]))
        except Exception:  # the trace is for the log, not for the caller
            import logging

            logging.getLogger("tower.http").exception("a streamed question failed")
            put(("error", {"code": "internal", "message": "something failed", "hint": ""}))
        finally:
            put(None)

    context = contextvars.copy_context()  # the thread works for the same request
    threading.Thread(target=context.run, args=(work,), name="tower-ask", daemon=True).start()
    while True:
        try:
            part = await asyncio.wait_for(parts.get(), KEEP_ALIVE_S)
        except TimeoutError:
            yield SILENCE
            continue
        if part is None:
            return
        yield event(*part)


async def job_events(jobs: Jobs, job_id: str) -> AsyncIterator[str]:
    """A job's `progress` as it goes (the latest of each moment), then `done` or `error`."""
    seen, silent = 0, 0.0
    while True:
        seen, told, ended = jobs.news(job_id, seen)
        for name, data in told:
            yield event(name, data)
        if ended:
            return
        silent = 0.0 if told else silent + LOOK_S
        if silent >= KEEP_ALIVE_S:
            silent = 0.0
            yield SILENCE
        await asyncio.sleep(LOOK_S)


def event(name: str, data: Any) -> str:
    """One event on the wire."""
    return f"event: {name}\ndata: {to_json(data)}\n\n"
