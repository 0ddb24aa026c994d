"""Lists of given names and surnames, those of the package Faker (about 30,000 each, of some 60 countries)."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from index.masking.fold import fold


@cache
def given_names() -> frozenset[str]:
    """Given names, folded (`index.masking.fold`); read once, in under a second."""
    return _names()[0]


@cache
def surnames() -> frozenset[str]:
    """Surnames, folded."""
    return _names()[1]


@cache
def _names() -> tuple[frozenset[str], frozenset[str]]:
    from faker.providers import person

    given: set[str] = set()
    family: set[str] = set()
    for module in pkgutil.iter_modules(person.__path__):
        provider = importlib.import_module(f"{person.__name__}.{module.name}").Provider
        for name, held in vars(provider).items():
            kept = given if "first_names" in name else family if "last_names" in name else None
            if kept is not None and isinstance(held, (tuple, list, set, frozenset, dict)):
                kept.update(held)
    return _folded(given), _folded(family)


def _folded(names: set[str]) -> frozenset[str]:
    return frozenset(fold(word) for name in names for word in name.replace("-", " ").split() if len(word) > 1)
