"""Log lines and error messages without personal data."""

from __future__ import annotations

import logging
import threading
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from index.masking.known import KnownPersons


def redacted(text: str, home: Path | None = None) -> str:
    """`text` without e-mail addresses, telephone numbers and the like, and without the names that `home` knows.

    It never fails: where the workspace's names cannot be read, what has a form of its own is still taken out.
    """
    from index.masking.redact import redact

    return redact(text, _known(home) if home is not None else None)


@cache
def _known(home: Path) -> KnownPersons | None:
    """The names that the workspace at `home` knows, read once; None where they cannot be read."""
    from api.known import known_persons_of
    from api.settings import load_settings

    try:
        return known_persons_of(home, load_settings(home))
    except Exception:  # a log line must get out, and says what can be said without the names
        return None


class MaskingFilter(logging.Filter):
    """Takes personal data out of every record that passes, its exception's trace included."""

    def __init__(self, home: Path | None = None) -> None:
        super().__init__()
        self.home = home
        self._busy = threading.local()

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record; every record passes."""
        if getattr(self._busy, "now", False):  # reading the names may itself log
            return True
        self._busy.now = True
        try:
            record.msg, record.args = redacted(record.getMessage(), self.home), ()
            if record.exc_info and not record.exc_text:
                record.exc_text = logging.Formatter().formatException(record.exc_info)
            if record.exc_text:
                record.exc_text = redacted(record.exc_text, self.home)
        finally:
            self._busy.now = False
        return True


_FILTER = MaskingFilter()


def protect(home: Path | None) -> None:
    """Let the log that goes to stderr pass the filter, with the names that `home` knows; may be called again."""
    if home is not None:
        _FILTER.home = home
    for handler in (logging.lastResort, *logging.getLogger().handlers):
        if handler is not None and _FILTER not in handler.filters:
            handler.addFilter(_FILTER)
