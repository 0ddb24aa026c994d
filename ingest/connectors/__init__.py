"""The connectors: a file each, found by its name, which is the `kind:` of a source in tower.yaml."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

from index.errors import SettingsError
from ingest.connectors.support.contract import Connector


def kinds() -> tuple[str, ...]:
    """The kinds of source that there is a connector for, sorted."""
    return tuple(sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.ispkg))


def connector_class(kind: str, where: str = "kind") -> type[Connector]:
    """The connector of that kind: a file of this package, or any importable module where the kind has a dot.

    `where` is the place in tower.yaml that an error names.
    """
    if "." not in kind and kind not in kinds():
        from rapidfuzz import process

        near = process.extractOne(kind, kinds(), score_cutoff=60)
        raise SettingsError(
            f"{where}: {kind!r} is not a kind of source",
            hint=(f"did you mean {near[0]!r}? " if near else "") + f"use kind: files, {', '.join(_listed())}",
        )
    name = kind if "." in kind else f"{__name__}.{kind}"
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        raise SettingsError(f"{where}: no connector {kind!r}: {error}", hint="is its package installed?") from error
    own = [
        c for c in vars(module).values() if isinstance(c, type) and issubclass(c, Connector) and c.__module__ == name
    ]
    if not own:
        raise SettingsError(f"{where}: {kind!r} has no connector in it", hint="docs/connectors.md shows one")
    return own[-1]


def connect(kind: str, options: object, base: Path) -> Connector:
    """The connector of that kind, opened with checked options."""
    return connector_class(kind)(options, base)


def _listed() -> list[str]:
    return [f"kind: {kind}" for kind in kinds() if kind != "files"]
