"""An answer as server-sent events, part by part, while it is being made."""

from __future__ import annotations

import contextvars
import queue
import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from api.encode import answer_json, error_body, to_json
from index.errors import TowerError

if TYPE_CHECKING:
    from api.service import Service
    from index.scope import Scope

KEEP_ALIVE_S = 15.0


def ask_events(service: Service, question: str, scope: Scope, conversation: str = "") -> Iterator[str]:
    """Events as the service reports them, then `done` with the whole answer, or `error` with code, message, hint.

    The service works in a thread of its own; a comment is sent every 15 s so that proxies keep the connection.
    """
    parts: queue.Queue[tuple[str, Any] | None] = queue.Queue()

    def on_event(name: str, data: Mapping[str, Any]) -> None:
        if name not in ("done", "error"):  # how the stream ends is said here, with the whole answer
            parts.put((name, data))

    def work() -> None:
        try:
            parts.put(("done", answer_json(service.ask(question, scope, conversation=conversation, on_event=on_event))))
        except TowerError as error:
            parts.put(("error", error_body(error)["error"]))
        except Exception:  # the trace is for the log, not for the caller
            import logging

            logging.getLogger("tower.http").exception("a streamed question failed")
            parts.put(("error", {"code": "internal", "message": "something failed", "hint": ""}))
        finally:
            parts.put(None)

    context = contextvars.copy_context()  # the thread works for the same request
    threading.Thread(target=context.run, args=(work,), name="tower-ask", daemon=True).start()
    while True:
        try:
            part = parts.get(timeout=KEEP_ALIVE_S)
        except queue.Empty:
            yield ": still working\n\n"
            continue
        if part is None:
            return
        yield f"event: {part[0]}\ndata: {to_json(part[1])}\n\n"
