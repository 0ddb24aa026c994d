"""Errors that a user can meet. Each carries a stable code, an HTTP status, an exit status and a hint.

TowerError
├── UsageError          bad arguments or bad input            exit 2, HTTP 400
│   ├── EmptyQuestion
│   ├── CatalogueError  a catalogue that does not hold together
│   ├── SettingsError   a tower.yaml that does not hold together
│   └── SqlRejected     SQL that the guard does not let through
├── PolicyError         refused by policy                     exit 3, HTTP 403
├── PolicyFileError     a policy that does not hold together      exit 2, HTTP 503
├── NotFoundError       no such workspace, source, draft      exit 1, HTTP 404
├── BusyError           the workspace is owned by another process  exit 1, HTTP 409
├── DraftBlocked        a draft that does not pass its checks    exit 1, HTTP 409
├── SourceError         a source that cannot be read          exit 1, HTTP 502
├── StorageError        disk full, index damaged              exit 1, HTTP 507
├── ModelError          weights missing or not the recorded ones   exit 1, HTTP 503
└── ProviderError       a language or image model that does not answer as it should   exit 1, HTTP 502
"""

from __future__ import annotations

from typing import ClassVar


class TowerError(Exception):
    """A failure with a stable `code`; the message says what failed and where, the hint what to try."""

    code: ClassVar[str] = "failed"
    status: ClassVar[int] = 500
    exit_status: ClassVar[int] = 1
    recorded = False  # True once the audit log has it

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(TowerError):
    """Bad arguments or bad input."""

    code = "bad_input"
    status = 400
    exit_status = 2


class EmptyQuestion(UsageError):
    """A question without a word in it."""

    code = "empty_question"


class CatalogueError(UsageError):
    """A catalogue that does not hold together; the message names the YAML path."""

    code = "bad_catalogue"


class SettingsError(UsageError):
    """A `tower.yaml` that does not hold together; the message names the YAML path."""

    code = "bad_settings"


class SqlRejected(UsageError):
    """SQL that is not one read-only SELECT over what the catalogue and the scope show."""

    code = "sql_rejected"


class PolicyError(TowerError):
    """The principal may not do this."""

    code = "forbidden"
    status = 403
    exit_status = 3


class SignInError(TowerError):
    """Nobody signed in, or with a token that does not hold."""

    code = "unauthorized"
    status = 401
    exit_status = 3


class LimitError(TowerError):
    """More than the limits allow; `retry_after` is in how many seconds it may work again."""

    code = "limited"
    status = 429

    def __init__(self, message: str, *, hint: str = "", retry_after: int = 1) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class PolicyFileError(TowerError):
    """A policy file that does not hold together; nobody is let in until it does. The message names the YAML path."""

    code = "bad_policy"
    status = 503
    exit_status = 2


class NotFoundError(TowerError):
    """No such workspace, source, document, answer or draft."""

    code = "not_found"
    status = 404


class BusyError(TowerError):
    """Another process owns the workspace."""

    code = "busy"
    status = 409


class DraftBlocked(TowerError):
    """A draft that may not be approved or exported as it stands: a finding of its lint, or no standing approval."""

    code = "draft_blocked"
    status = 409


class SourceError(TowerError):
    """A source that cannot be reached or read."""

    code = "source_failed"
    status = 502


class StorageError(TowerError):
    """An index that cannot be written or read: disk full, damaged, from another version."""

    code = "storage_failed"
    status = 507


class ModelError(TowerError):
    """Embedding weights that are missing, or not the ones the index was built with."""

    code = "model_failed"
    status = 503


class ProviderError(TowerError):
    """A language or image model that cannot be reached, is late, or does not answer as it should."""

    code = "provider_failed"
    status = 502
