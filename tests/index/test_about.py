"""What is told of those whose names do not leave: coarse, shared by several, and only what the asker may see."""

import random
from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa

from index.catalogue.model import Catalogue, Column, Entity, Table
from index.engine import open_engine
from index.errors import SettingsError
from index.masking import Masker, restore
from index.masking.about import ALIKE, Attributes, band
from index.masking.people import known_persons
from index.scope import Principal, Scope, TableScope
from index.sql import SqlDatabase

FIRMS = [
    *((f"Firm {n}", "EMEA", "Enterprise", 1000 + 300 * n) for n in range(6)),
    *((f"Shop {n}", "EMEA", "SMB", 12) for n in range(3)),
    *((f"Outfit {n}", "APAC", "SMB", 40) for n in range(5)),
    ("Lone Star", "LATAM", "SMB", 7),
]
CATALOGUE = Catalogue(
    (
        Table(
            "firms",
            "Firms",
            (
                Column("name", "text", "Name", role="name"),
                Column("region", "text", "Region"),
                Column("segment", "text", "Segment"),
                Column("employees", "integer", "Employees", role="measure"),
                Column("position", "text", "Position", sensitivity="personal"),
            ),
            name_column="name",
        ),
    ),
    entities=(Entity("account", "firms", "name", "name"),),
)
EVERYTHING = Scope.administrator(CATALOGUE, frozenset())


@pytest.fixture
def reader(tmp_path: Path) -> SqlDatabase:
    return database(tmp_path, FIRMS)


def database(folder: Path, firms: list[tuple[str, str, str, int]]) -> SqlDatabase:
    engine = open_engine(f"sqlite:///{folder / 'x.db'}")
    with engine.begin() as connection:
        connection.execute(
            sa.text("CREATE TABLE firms (name TEXT, region TEXT, segment TEXT, employees INT, position)")
        )
        rows = [{"n": n, "r": r, "s": s, "e": e} for n, r, s, e in firms]
        connection.execute(sa.text("INSERT INTO firms VALUES (:n, :r, :s, :e, 'Head of ' || :n)"), rows)
    return SqlDatabase(engine)


def seen(columns: tuple[str, ...], rows: str = "") -> Scope:
    return Scope(Principal("ann"), {"firms": TableScope(dict.fromkeys(columns, "visible"), rows)}, frozenset())  # type: ignore[arg-type]


def test_what_several_share_is_told_and_a_number_only_as_a_band(reader: SqlDatabase) -> None:
    about = Attributes(CATALOGUE, reader, EVERYTHING, ("account",)).of
    assert about("Firm 3") == about("FIRM 0") == "EMEA, Enterprise, 1,000-4,999 employees"
    assert about("Outfit 1") == "APAC, SMB, 10-49 employees"
    assert about("Lone Star") == ""  # the only one of its region
    assert about("Shop 1") == ""  # EMEA alone would say that it is one of the three small ones
    assert about("Nobody") == ""


def test_a_column_or_row_that_the_asker_may_not_see_is_not_told(reader: SqlDatabase) -> None:
    def of(scope: Scope) -> str:
        return Attributes(CATALOGUE, reader, scope, ("account",)).of("Firm 3")

    assert of(seen(("name", "segment", "employees"))) == "Enterprise, 1,000-4,999 employees"
    assert of(seen(("region", "segment"))) == ""
    assert of(seen(("name", "region", "segment"), "employees > 1500")) == ""  # four are left
    assert of(seen(("name", "region", "segment"), "region = 'APAC'")) == ""
    assert of(Scope.nothing("eve")) == ""
    masked = TableScope({"name": "visible", "region": "masked", "segment": "visible"})
    assert of(Scope(Principal("ann"), {"firms": masked}, frozenset())) == "Enterprise"


def test_nobody_is_told_apart_in_random_tables(tmp_path: Path) -> None:
    pick = random.Random(3)
    for turn in range(30):
        firms = [
            (f"Firm {n}", pick.choice("ABC"), pick.choice("XYZ"), pick.choice((3, 30, 300)))
            for n in range(pick.randint(1, 60))
        ]
        (folder := tmp_path / str(turn)).mkdir()
        about = Attributes(CATALOGUE, database(folder, firms), EVERYTHING, ("account",)).of
        told = Counter(about(name) for name, *_ in firms)
        assert all(count >= ALIKE for said, count in told.items() if said), told


def test_bands_meet_and_do_not_overlap() -> None:
    assert [band(n) for n in (1, 4, 5, 9, 10, 49, 50, 999, 1000)] == [
        "1-4", "1-4", "5-9", "5-9", "10-49", "10-49", "50-99", "500-999", "1,000-4,999"
    ]  # fmt: skip


def test_names_of_entities_are_masked_by_what_they_are_and_come_back(reader: SqlDatabase) -> None:
    known = known_persons(CATALOGUE, reader, EVERYTHING, ("account",))
    masked = Masker(known, nonce="k3f9", guess_names=False).mask("Did firm 3 pay more than Lone Star?")
    assert masked.text == "Did <ACCOUNT:k3f9-1> pay more than <ACCOUNT:k3f9-2>?"
    assert restore(masked.text, masked.mapping) == "Did firm 3 pay more than Lone Star?"
    assert known_persons(CATALOGUE, reader, EVERYTHING).spans("Did Firm 3 pay?") == []


def test_a_kind_that_the_catalogue_lacks_is_an_error_rather_than_left_open(reader: SqlDatabase) -> None:
    with pytest.raises(SettingsError, match="no entity 'acount'"):
        known_persons(CATALOGUE, reader, EVERYTHING, ("acount",))
