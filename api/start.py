"""Where the `tower` command begins: the quick way, else the whole command line."""

from __future__ import annotations

import gc
import os
import sys


def main() -> int:
    """Run the command that the process was started with, and return its exit status."""
    # Loading libraries makes objects that stay: looking through them again and again is a tenth of a short command.
    gc.set_threshold(200_000, 20, 20)
    # Tower has no plugins of pydantic, which would look for some in every package that is installed.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from api.client.quick import quick_search

    try:
        status = quick_search(sys.argv[1:])
    except (KeyboardInterrupt, BrokenPipeError):
        return 1
    if status is not None:
        return status
    from api.cli import main as whole

    return whole()


if __name__ == "__main__":
    sys.exit(main())
