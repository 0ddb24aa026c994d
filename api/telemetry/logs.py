"""Log lines as JSON, one a line on stderr, each with the ids of its request and trace; personal data is taken out."""

from __future__ import annotations

import datetime as dt
import json
import logging
import sys
from typing import TYPE_CHECKING, Any

from opentelemetry import trace

from api.audit import CORRELATION
from api.logs import MaskingFilter

if TYPE_CHECKING:
    from pathlib import Path

    from api.settings import LogsSettings

OURS = ("tower", "api", "index", "ingest", "query")
FIELDS = "fields"
"""Where a record carries ids and numbers of its own: `log.info("request", extra={FIELDS: {...}})`."""


class JsonFormatter(logging.Formatter):
    """A record as one JSON object: time, level, logger, message, request_id, trace_id, its fields, its trace."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        context = trace.get_current_span().get_span_context()
        line: dict[str, Any] = {
            "time": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **({"request_id": CORRELATION.get()} if CORRELATION.get() else {}),
            **({"trace_id": f"{context.trace_id:032x}"} if context.is_valid else {}),
            **getattr(record, FIELDS, {}),
        }
        if record.exc_info and not record.exc_text:
            record.exc_text = self.formatException(record.exc_info)
        if record.exc_text:
            line["trace"] = record.exc_text
        return json.dumps(line, ensure_ascii=False)


def set_up(settings: LogsSettings, home: Path) -> None:
    """Write the log of this process as the settings say; plain text, the default, stays as Python writes it."""
    if settings.format == "text":
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    handler.addFilter(MaskingFilter(home))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)  # what other libraries tell below that may hold addresses and texts
    for name in OURS:
        logging.getLogger(name).setLevel(settings.level.upper())
