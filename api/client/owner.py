"""A plain `tower search` by the owner of the workspace, without the command line's own libraries.

`api.client.quick` has checked what was asked, and `api.cli` says what is wrong where it fails.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from api.logs import protect


def search_here(query: str, k: int, home: str, user: str, *, as_json: bool, arguments: Sequence[str]) -> int | None:
    """The exit status of a search in the workspace at `home`; None where the command line has to see to it."""
    protect(Path(home))
    try:
        return _search(query, k, Path(home), user or None, as_json=as_json)
    except (Exception, KeyboardInterrupt) as error:
        from api.cli import failed
        from api.commands.runtime import Runtime

        return failed(error, arguments, Runtime(home=Path(home)))


def _search(query: str, k: int, home: Path, user: str | None, *, as_json: bool) -> int | None:
    from api.render.hits import hit_lines, notices, search_json
    from api.settings import load_settings
    from api.wiring import open_workspace

    settings = load_settings(home)
    if settings.telemetry.otlp_endpoint:
        return None
    service = open_workspace(settings.home, settings, warm=True)
    try:
        passages = service.search(query, service.scope_for(user), k)
    finally:
        service.close()
    if as_json:
        from api.encode import to_json

        sys.stdout.write(to_json(search_json(query, passages), indent=2) + "\n")
    else:
        sys.stdout.writelines(f"{line}\n" for line, _ in hit_lines(passages, notices(passages)))
    sys.stdout.flush()
    return 0
