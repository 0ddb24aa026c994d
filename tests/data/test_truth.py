"""The planted truth: who is at risk, the decoys around them, and that declared signals tell them apart."""

from __future__ import annotations

import datetime as dt
import sqlite3
from typing import Any

import pytest

from data.generator.clock import TODAY, quarter_end
from data.generator.world import World
from index.catalogue.model import Score


def live(world: World, **wanted: str) -> list[Any]:
    return [a for a in world.accounts if not a.churned_on and all(getattr(a, k) == v for k, v in wanted.items())]


def test_the_flagship_accounts_are_between_eight_and_fourteen(world: World) -> None:
    flagship = world.at_risk_this_quarter("Enterprise", "EMEA")
    assert 8 <= len(flagship) <= 14
    due = {r["account_id"]: r["renewal_date"] for r in world.tables["renewals"] if r["status"] == "Open"}
    assert all(TODAY < due[key] <= quarter_end(TODAY) for key in flagship)


def test_no_account_at_risk_has_renewed_earlier_this_quarter(world: World) -> None:
    start = dt.date(2026, 4, 1)
    early = {r["account_id"] for r in world.tables["renewals"] if start <= r["renewal_date"] <= TODAY}
    assert not early & world.at_risk


def test_there_are_decoys_of_every_kind(world: World) -> None:
    ours = {"segment": "Enterprise", "region": "EMEA"}
    soon = quarter_end(TODAY)
    assert [a for a in live(world, story="at_risk", **ours) if a.next_renewal > soon]
    assert len([a for a in live(world, story="steady", **ours) if a.next_renewal <= soon]) >= 5
    assert [a for a in live(world, story="at_risk", segment="Mid-Market", region="EMEA") if a.next_renewal <= soon]
    assert [a for a in live(world, story="at_risk", segment="Enterprise", region="AMER") if a.next_renewal <= soon]
    twins = [a for a in world.accounts if a.name.startswith("Nordwand ")]
    assert sorted(a.story for a in twins) == ["at_risk", "steady"]
    green = [a for a in world.accounts if a.story == "at_risk" and a.health == "Green"]
    assert [a.account_id in world.at_risk_this_quarter("Enterprise", "EMEA") for a in green] == [True]


def test_the_green_account_says_in_its_tickets_that_it_is_leaving(world: World) -> None:
    from data.generator.support_texts import LEAVING

    green = next(a for a in world.accounts if a.story == "at_risk" and a.health == "Green")
    bodies = [t["body"] for t in world.tables["tickets"] if t["account_id"] == green.account_id]
    assert any(sentence in body for sentence in LEAVING for body in bodies)


def test_the_next_renewal_is_the_open_one(world: World) -> None:
    due = {r["account_id"]: r["renewal_date"] for r in world.tables["renewals"] if r["status"] == "Open"}
    assert due == {a.account_id: a.next_renewal for a in world.accounts if not a.churned_on}


@pytest.fixture(scope="module")
def score() -> Score:
    from pathlib import Path

    import data
    from index.catalogue.file import load_catalogue

    return load_catalogue(Path(data.__file__).parent / "catalogue.yaml").scores[0]


def snapshot(database: sqlite3.Connection, score: Score, day: dt.date) -> tuple[list[str], list[list[float]]]:
    """Keys of the accounts alive on `day`, and their features as known then."""
    at = {"as_of": day.isoformat()}
    keys = [row[0] for row in database.execute(score.population, at)]
    columns = []
    for feature in score.features:
        known = dict(database.execute(feature.sql, at).fetchall())
        columns.append([feature.missing if known.get(k) is None else known[k] for k in keys])
    return keys, [list(row) for row in zip(*columns, strict=True)]


def test_a_model_learned_from_history_finds_exactly_the_accounts_at_risk(
    world: World, database: sqlite3.Connection, score: Score
) -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    events = dict(database.execute(score.event).fetchall())
    table, labels = [], []
    for back in range(1, score.snapshots + 1):
        day = TODAY - dt.timedelta(days=score.horizon_days * back)
        until = (day + dt.timedelta(days=score.horizon_days)).isoformat()
        keys, rows = snapshot(database, score, day)
        table += rows
        labels += [day.isoformat() < events.get(k, "9999") <= until for k in keys]
    model = make_pipeline(StandardScaler(), LogisticRegression())
    held_out = cross_val_predict(model, table, labels, cv=5, method="predict_proba")[:, 1]
    auc = roc_auc_score(labels, held_out)
    assert sum(labels) >= 60
    assert 0.95 < auc < 0.999  # predictable, but not given away by a single signal

    keys, rows = snapshot(database, score, TODAY)
    chances = dict(zip(keys, model.fit(table, labels).predict_proba(rows)[:, 1], strict=True))
    assert {k for k, p in chances.items() if p >= score.threshold} == world.at_risk
    assert not [k for k, p in chances.items() if 0.3 < p < 0.7]


def test_no_single_signal_gives_the_accounts_at_risk_away(
    world: World, database: sqlite3.Connection, score: Score
) -> None:
    """Content accounts with one bad habit overlap with the accounts at risk in most signals."""
    keys, rows = snapshot(database, score, TODAY)
    overlapping = 0
    for at, feature in enumerate(score.features):
        signed = {k: feature.direction * row[at] for k, row in zip(keys, rows, strict=True)}
        mildest = min(signed[k] for k in world.at_risk)
        overlapping += any(v >= mildest for k, v in signed.items() if k not in world.at_risk)
    assert overlapping >= 4


def test_tickets_of_accounts_in_decline_sound_worse(world: World, database: sqlite3.Connection) -> None:
    rows = database.execute(
        "SELECT account_id, AVG(sentiment) FROM tickets WHERE created_at >= '2026-03-20' GROUP BY account_id"
    )
    tone = dict(rows.fetchall())
    risky = [tone[k] for k in world.at_risk]
    others = [v for k, v in tone.items() if k not in world.at_risk]
    assert max(risky) < -0.2
    assert sum(others) / len(others) > 0.2
