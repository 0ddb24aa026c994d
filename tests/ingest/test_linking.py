"""Entities named in a text."""

from __future__ import annotations

import time

from ingest.linking import EntityDictionary, merge


def _dictionary() -> EntityDictionary:
    names = {"alpine": ((("alpine", "gear", "north"), "account", "2"), (("alpine", "gear"), "account", "1"))}
    return EntityDictionary(names, {"Bergwerk": ("account", "3")}, {"account": {"ann@x.org": "1"}})


def test_full_names_are_found_in_any_case_and_the_longer_one_wins() -> None:
    assert _dictionary().in_text("They like ALPINE Gear, north of here.") == {"account": ("2",)}
    assert _dictionary().in_text("alpine gear; Alpine-Gear") == {"account": ("1",)}
    assert _dictionary().in_text("Alpine weather, gear") == {}


def test_a_name_of_one_word_is_found_only_as_it_is_written() -> None:
    assert _dictionary().in_text("Bergwerk called") == {"account": ("3",)}
    assert _dictionary().in_text("the bergwerk is deep, Bergwerke too") == {}


def test_addresses_are_looked_up() -> None:
    assert _dictionary().by_email("account", "Bob@x.org ANN@X.ORG") == ("1",)
    assert _dictionary().by_email("person", "ann@x.org") == ()


def test_findings_are_merged_without_repeats() -> None:
    assert merge({"a": ("1", "2")}, {"a": ("2", "3"), "b": ()}) == {"a": ("1", "2", "3")}


def test_four_hundred_names_over_a_thousand_texts_take_well_under_a_second() -> None:
    names = {f"name{n}": (((f"name{n}", "limited"), "account", str(n)),) for n in range(450)}
    text = "Some words about nothing much, and then Name7 Limited wrote again. " * 15
    begun = time.process_time()
    for _ in range(1_000):
        EntityDictionary(names).in_text(text)
    assert time.process_time() - begun < 1.5
