"""`tower search` through the workspace's server, without loading the command line: some 50 ms instead of 150.

Only the plain case is done here: a search for a pipe or a program, with a server that answers it. Everything else,
failures too, goes to `api.cli`, which does the same and says what is wrong.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

DEFAULT_K = 10
_VALUES = {"-k": "k", "--home": "home", "--as": "user"}


@dataclass
class _Search:
    """The arguments of a plain search."""

    query: str | None = None
    k: str = str(DEFAULT_K)
    home: str = ""
    user: str = ""
    json: bool = False


def quick_search(arguments: Sequence[str]) -> int | None:
    """Exit status 0 when the search was done and printed, None when the command line has to see to it."""
    if not arguments or arguments[0] != "search" or sys.stdout.isatty():
        return None
    search = _parsed(arguments[1:])
    if search is None:
        return None
    from api.home import default_home
    from api.presence import FILE

    home = Path(search.home) if search.home else default_home()
    return _run(search, home) if (home / FILE).is_file() else None


def _parsed(words: Sequence[str]) -> _Search | None:
    """What a plain search says; None for one that is not, so that the command line judges it."""
    search, rest = _Search(), list(words)
    while rest:
        word = rest.pop(0)
        if word == "--json":
            search.json = True
        elif word in _VALUES and rest and not rest[0].startswith("-"):
            setattr(search, _VALUES[word], rest.pop(0))
        elif not word.startswith("-") and search.query is None:
            search.query = word
        else:
            return None
    return search if search.query is not None and search.k.isdecimal() else None


def _run(search: _Search, home: Path) -> int | None:
    from api.hits import hit_lines, hits_json
    from api.questions import checked_k, checked_question
    from api.remote_service import connect
    from index.errors import TowerError

    try:
        query = checked_question(search.query)
        service = connect(home)
        if service is None:
            return None
        passages = service.find(query, search.user, checked_k(int(search.k)))
    except TowerError:
        return None
    if search.json:
        import json

        found = {"query": search.query, "hits": hits_json(passages)}
        text = json.dumps(found, ensure_ascii=False, indent=2)
    else:
        text = "\n".join(line for line, _ in hit_lines(passages))
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
    return 0
