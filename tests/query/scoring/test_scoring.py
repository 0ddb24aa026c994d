from __future__ import annotations

import dataclasses
import datetime as dt
import math
import random
import sqlite3

import numpy as np
import pytest

from index.catalogue.model import Catalogue, Column, Entity, Feature, Join, Score, Table
from index.errors import CatalogueError, SqlRejected, StorageError
from index.scope import Scope
from query.evidence import CitationBook
from query.proof.prove import Prover
from query.scoring import (
    TooFewEvents,
    TrainedModel,
    cited_reason,
    contribution_evidence,
    due_in_period,
    hidden_features,
    score_entities,
    train_score,
)
from query.scoring.measures import auc, calibration_error, folds_by_group
from query.scoring.train import snapshot_days
from tests.query.company import MemoryReader

TODAY = dt.date(2026, 5, 18)
START = dt.date(2024, 5, 20)

TABLES = (
    Table("members", "Members", (Column("member_id", "integer", "member"), Column("joined", "date", "joined"),
                                 Column("left_on", "date", "left")), key=("member_id",), time_column="joined"),
    Table("visits", "Visits", (Column("visit_id", "integer", "visit"), Column("member_id", "integer", "member"),
                               Column("day", "date", "day")), source="gate", key=("visit_id",), time_column="day"),
    Table("terms", "Terms", (Column("term_id", "integer", "term"), Column("member_id", "integer", "member"),
                             Column("ends", "date", "ends")), key=("term_id",), time_column="ends"),
)  # fmt: skip
CATALOGUE = Catalogue(
    TABLES,
    (
        Join("visits", ("member_id",), "members", ("member_id",)),
        Join("terms", ("member_id",), "members", ("member_id",)),
    ),
    entities=(Entity("member", "members", "member_id", "member_id"),),
    today=TODAY,
)
VISITS = Feature(
    "visits", "{value} visits in 60 days",
    "SELECT member_id AS k, COUNT(*) AS v FROM visits WHERE day > date(:as_of, '-60 days') AND day <= :as_of "
    "GROUP BY member_id",
    direction=-1,
    evidence="SELECT visit_id FROM visits WHERE member_id = :key AND day <= :as_of ORDER BY day DESC LIMIT 3",
    evidence_table="visits", lower="more visits", next_step="invite the member",
)  # fmt: skip
TERM = Feature(
    "term", "term ends in {value} days",
    "SELECT member_id AS k, MIN(julianday(ends) - julianday(:as_of)) AS v FROM terms WHERE ends >= :as_of "
    "GROUP BY member_id",
    missing=365, direction=-1, evidence_table="terms",
)  # fmt: skip
SNEAKY = Feature(
    "sneaky", "{value} visits from here on",
    "SELECT member_id AS k, COUNT(*) AS v FROM visits WHERE day > :as_of AND day <= date(:as_of, '+90 days') "
    "GROUP BY member_id",
    direction=-1,
)  # fmt: skip
LEAVING = Score(
    "leaving", "Leaving", "member",
    population="SELECT member_id FROM members WHERE joined <= :as_of AND (left_on IS NULL OR left_on > :as_of)",
    event="SELECT member_id, left_on FROM members WHERE left_on IS NOT NULL",
    features=(VISITS, TERM), horizon_days=90, due="terms.ends",
)  # fmt: skip


def history(members: int = 260, seed: int = 4) -> sqlite3.Connection:
    """Members who visit weekly until they begin to leave; leavers fade for ten weeks and then go."""
    rng = random.Random(seed)
    made = sqlite3.connect(":memory:")
    made.execute("CREATE TABLE members (member_id INTEGER PRIMARY KEY, joined TEXT, left_on TEXT)")
    made.execute("CREATE TABLE visits (visit_id INTEGER PRIMARY KEY, member_id INTEGER, day TEXT)")
    made.execute("CREATE TABLE terms (term_id INTEGER PRIMARY KEY, member_id INTEGER, ends TEXT)")
    for member in range(1, members + 1):
        leaves = START + dt.timedelta(days=rng.randint(150, 720)) if rng.random() < 0.4 else None
        gone = leaves.isoformat() if leaves and leaves <= TODAY else None
        made.execute("INSERT INTO members VALUES (?, ?, ?)", (member, "2023-01-01", gone))
        made.execute("INSERT INTO terms (member_id, ends) VALUES (?, ?)",
                     (member, (TODAY + dt.timedelta(days=rng.randint(-60, 300))).isoformat()))  # fmt: skip
        for week in range(104):
            day = START + dt.timedelta(days=7 * week)
            fading = leaves is not None and day > leaves - dt.timedelta(days=80)
            if (leaves is None or day < leaves) and rng.random() < (0.25 if fading else 0.75):
                made.execute("INSERT INTO visits (member_id, day) VALUES (?, ?)", (member, day.isoformat()))
    return made


@pytest.fixture(scope="module")
def reader() -> MemoryReader:
    return MemoryReader(history())


@pytest.fixture(scope="module")
def model(reader: MemoryReader) -> TrainedModel:
    return train_score(LEAVING, CATALOGUE, reader, ADMIN, TODAY)


ADMIN = Scope.administrator(CATALOGUE, frozenset())


def test_a_score_learns_what_precedes_the_event_and_reports_how_well(model: TrainedModel) -> None:
    assert model.card["auc"] > 0.8
    assert model.card["brier"] < model.card["base_rate"] * (1 - model.card["base_rate"])
    assert model.card["ece"] < 0.05
    assert len(model.card["snapshots"]) == 6 and model.card["events"] >= 12


def test_contributions_and_intercept_sum_to_the_logit(reader: MemoryReader, model: TrainedModel) -> None:
    scored = score_entities(LEAVING, model, [str(k) for k in range(1, 261)], TODAY, reader, CATALOGUE, ADMIN)
    assert len(scored) > 100
    for one in scored:
        logit = one.intercept + sum(c.logit for c in one.contributions)
        assert abs(1 / (1 + math.exp(-logit)) - one.probability) < 1e-9
    assert [s.probability for s in scored] == sorted((s.probability for s in scored), reverse=True)


def test_a_reason_says_its_value_its_rows_and_a_query_that_gives_the_value_again(
    reader: MemoryReader, model: TrainedModel
) -> None:
    top = score_entities(LEAVING, model, [str(k) for k in range(1, 261)], TODAY, reader, CATALOGUE, ADMIN)[0]
    visits = next(c for c in top.contributions if c.feature == "visits")
    assert visits.text == f"{visits.value:.0f} visits in 60 days"
    assert visits.logit > 0 and visits.lower == "more visits" and visits.table == "visits"
    assert visits.keys == () or all(key.isdigit() for key in visits.keys)
    for contribution in top.contributions:
        again = reader.connection.execute(contribution.sql).fetchone()
        assert again == (contribution.value,)


def test_a_cited_reason_is_proven_by_the_evidence_of_its_score(reader: MemoryReader, model: TrainedModel) -> None:
    scored = score_entities(LEAVING, model, ["1", "2", "3"], TODAY, reader, CATALOGUE, ADMIN)
    book = CitationBook()
    sentences = [cited_reason(c, s, LEAVING, CATALOGUE, book) for s in scored for c in s.contributions]
    with pytest.raises(StopIteration):
        cited_reason(
            dataclasses.replace(scored[0].contributions[0], feature="other"), scored[0], LEAVING, CATALOGUE, book
        )
    # "60" stands in the label itself, which the catalogue states
    proof = Prover(CATALOGUE, contribution_evidence(scored), stated=("60 days",)).prove(sentences)
    assert not proof.removed
    wrong = contribution_evidence([dataclasses.replace(scored[0], contributions=())])
    assert Prover(CATALOGUE, wrong, stated=("60 days",)).prove(sentences[:1]).removed


def test_a_feature_that_reads_the_future_is_left_out_with_a_notice(reader: MemoryReader) -> None:
    sneaky = dataclasses.replace(LEAVING, features=(VISITS, TERM, SNEAKY))
    trained = train_score(sneaky, CATALOGUE, reader, ADMIN, TODAY)
    assert [f.name for f in trained.features] == ["visits", "term"]
    assert any("sneaky was left out" in notice for notice in trained.notices)


def test_plans_that_are_known_in_advance_do_not_count_as_the_future(model: TrainedModel) -> None:
    assert "term" in [f.name for f in model.features] and not model.notices


def test_a_reason_never_reads_the_wrong_way_round(model: TrainedModel) -> None:
    for feature in model.features:
        assert all(weight <= 0 for weight in feature.weights)


def test_too_few_events_give_a_clear_error_instead_of_a_model() -> None:
    with pytest.raises(TooFewEvents, match="cannot be trained: 0 entities had the event"):
        none = dataclasses.replace(LEAVING, event="SELECT member_id, left_on FROM members WHERE left_on > '2030-01-01'")
        train_score(none, CATALOGUE, MemoryReader(history(40)), ADMIN, TODAY)


def test_a_model_survives_being_written_as_json(model: TrainedModel) -> None:
    again = TrainedModel.from_json(model.to_json())
    assert again == model
    values = np.asarray([[3.0, 40.0], [0.0, 365.0]])
    assert (again.probabilities(values) == model.probabilities(values)).all()
    with pytest.raises(StorageError):
        TrainedModel.from_json("{}")


def test_the_same_data_gives_the_same_version_and_other_data_another(model: TrainedModel) -> None:
    assert train_score(LEAVING, CATALOGUE, MemoryReader(history()), ADMIN, TODAY).version == model.version
    assert train_score(LEAVING, CATALOGUE, MemoryReader(history(seed=5)), ADMIN, TODAY).version != model.version


def test_entities_that_are_gone_have_no_score(reader: MemoryReader, model: TrainedModel) -> None:
    gone = reader.connection.execute("SELECT member_id FROM members WHERE left_on IS NOT NULL LIMIT 1").fetchone()[0]
    assert score_entities(LEAVING, model, [str(gone)], TODAY, reader, CATALOGUE, ADMIN) == ()


def test_a_feature_that_the_asker_may_not_see_counts_as_average_and_is_not_told(
    reader: MemoryReader, model: TrainedModel
) -> None:
    tables = {name: table for name, table in ADMIN.tables.items() if name != "visits"}
    narrow = dataclasses.replace(ADMIN, tables=tables)
    assert hidden_features(LEAVING, reader, CATALOGUE, narrow) == ("visits",)
    scored = score_entities(LEAVING, model, [str(k) for k in range(1, 261)], TODAY, reader, CATALOGUE, narrow)
    assert scored and all([c.feature for c in s.contributions] == ["term"] for s in scored)


def test_a_scope_without_its_masked_columns_is_one_object(reader: MemoryReader) -> None:
    scope = Scope.administrator(CATALOGUE, frozenset())
    assert scope.unmasked is scope  # nothing is masked
    tables = dict(scope.tables)
    tables["visits"] = dataclasses.replace(tables["visits"], columns={**tables["visits"].columns, "day": "masked"})
    masked = dataclasses.replace(scope, tables=tables)
    assert masked.unmasked is masked.unmasked  # caches of queries go by it, and hold each one
    assert "day" not in masked.unmasked.tables["visits"].columns
    assert masked.unmasked.tables["terms"] == masked.tables["terms"]


def test_masked_columns_count_as_hidden(reader: MemoryReader, model: TrainedModel) -> None:
    tables = dict(ADMIN.tables)
    tables["visits"] = dataclasses.replace(tables["visits"], columns={**tables["visits"].columns, "day": "masked"})
    assert hidden_features(LEAVING, reader, CATALOGUE, dataclasses.replace(ADMIN, tables=tables)) == ("visits",)


def test_a_scope_without_the_population_is_refused(reader: MemoryReader, model: TrainedModel) -> None:
    with pytest.raises(SqlRejected):
        score_entities(LEAVING, model, ["1"], TODAY, reader, CATALOGUE, dataclasses.replace(ADMIN, tables={}))


def test_the_period_of_a_score_is_half_open(reader: MemoryReader) -> None:
    rows = reader.connection.execute("SELECT member_id, ends FROM terms").fetchall()
    start, end = dt.date(2026, 6, 1), dt.date(2026, 7, 1)
    expected = {str(key) for key, ends in rows if start.isoformat() <= ends < end.isoformat()}
    assert due_in_period(LEAVING, reader, CATALOGUE, ADMIN, start, end) == expected
    with_sql = dataclasses.replace(
        LEAVING, due="", due_sql="SELECT member_id FROM terms WHERE ends >= :start AND ends < :end"
    )
    assert due_in_period(with_sql, reader, CATALOGUE, ADMIN, start, end) == expected
    with_dates = dataclasses.replace(LEAVING, due="", due_sql="SELECT member_id, ends FROM terms")
    assert due_in_period(with_dates, reader, CATALOGUE, ADMIN, start, end) == expected
    with pytest.raises(CatalogueError, match="does not say"):
        due_in_period(dataclasses.replace(LEAVING, due=""), reader, CATALOGUE, ADMIN, start, end)


def test_snapshots_are_quarter_starts_whose_horizon_has_passed() -> None:
    days = snapshot_days(LEAVING, TODAY)
    assert days[-1] == dt.date(2026, 1, 1) and days[0] == dt.date(2024, 10, 1) and len(days) == 6
    assert snapshot_days(LEAVING, dt.date(2026, 1, 15), fiscal_year_start=2)[-1] == dt.date(2025, 8, 1)


def test_measures_agree_with_their_definitions() -> None:
    labels, scores = np.asarray([0.0, 0, 1, 1]), np.asarray([0.1, 0.4, 0.4, 0.8])
    assert auc(labels, scores) == pytest.approx(0.875)
    assert calibration_error(labels, labels) == 0
    folds = folds_by_group(["a", "b", "a", "c", "d"], 2)
    assert folds[0] == folds[2] and set(folds) == {0, 1}


# --- a table with a label and no time ------------------------------------------------------------------------------

SHOPPERS = Catalogue(
    (
        Table(
            "shoppers", "Shoppers",
            (Column("id", "text", "id"), Column("plan", "text", "plan"), Column("visits", "number", "visits"),
             Column("gone", "integer", "gone")),
            source="crm", key=("id",),
        ),
    ),
    entities=(Entity("shopper", "shoppers", "id", "id"),),
    today=TODAY,
)  # fmt: skip
GOING = Score(
    "going", "Going", "shopper", population="SELECT id FROM shoppers", event="",
    outcome="SELECT id, gone FROM shoppers WHERE gone IS NOT NULL",
    features=(
        Feature("plan", "plan is {value}", "SELECT id, plan FROM shoppers", direction=0, kind="category",
                evidence_table="shoppers"),
        Feature("visits", "{value} visits", "SELECT id, visits FROM shoppers", direction=0, evidence_table="shoppers"),
    ),
)  # fmt: skip
SHOPPER = Scope.administrator(SHOPPERS, frozenset())


@pytest.fixture(scope="module")
def shoppers() -> MemoryReader:
    """Visits act in a U: the very rare and the very frequent leave; monthly plans leave more; some are not known."""
    rng = random.Random(2)
    made = sqlite3.connect(":memory:")
    made.execute("CREATE TABLE shoppers (id TEXT, plan TEXT, visits REAL, gone INTEGER)")
    for at in range(900):
        plan, visits = rng.choice(("monthly", "yearly", None)), rng.uniform(0, 10)
        logit = abs(visits - 5) - 3 + (2 if plan == "monthly" else 0)
        gone = None if at % 50 == 0 else int(rng.random() < 1 / (1 + math.exp(-logit)))
        made.execute("INSERT INTO shoppers VALUES (?, ?, ?, ?)", (f"S{at}", plan, visits, gone))
    made.execute("INSERT INTO shoppers VALUES ('S900', 'weekly', 5, NULL)")
    return MemoryReader(made)


def test_a_table_with_a_label_is_scored_by_its_columns(shoppers: MemoryReader) -> None:
    trained = train_score(GOING, SHOPPERS, shoppers, SHOPPER, TODAY)
    assert trained.card["auc"] > 0.72 and trained.card["ece"] < 0.05
    assert trained.card["snapshots"] == [] and trained.card["horizon_days"] is None
    assert trained.card["rows"] == 882
    plan, visits = trained.features
    assert plan.levels == ("", "monthly", "yearly")
    assert plan.logit(np.asarray(["monthly"]))[0] > plan.logit(np.asarray(["yearly"]))[0] + 1
    low, middle, high = visits.logit(np.asarray([0.0, 5.0, 10.0]))
    assert low > middle + 1 and high > middle + 1
    assert TrainedModel.from_json(trained.to_json()) == trained


def test_contributions_of_numbers_and_categories_sum_to_the_logit_and_cite_their_values(
    shoppers: MemoryReader,
) -> None:
    trained = train_score(GOING, SHOPPERS, shoppers, SHOPPER, TODAY)
    scored = score_entities(GOING, trained, ["S1", "S2", "S3", "S900"], TODAY, shoppers, SHOPPERS, SHOPPER)
    assert len(scored) == 4
    for one in scored:
        logit = one.intercept + sum(c.logit for c in one.contributions)
        assert abs(logit - math.log(one.probability / (1 - one.probability))) < 1e-6
        for contribution in one.contributions:
            assert shoppers.connection.execute(contribution.sql).fetchone() == (contribution.value,)
    unseen = next(c for s in scored if s.key == "S900" for c in s.contributions if c.feature == "plan")
    assert (unseen.text, unseen.logit) == ("plan is weekly", 0.0)
    book = CitationBook()
    sentences = [cited_reason(c, s, GOING, SHOPPERS, book) for s in scored for c in s.contributions if c.value != ""]
    assert not Prover(SHOPPERS, contribution_evidence(scored)).prove(sentences).removed


def test_an_outcome_is_one_or_zero(shoppers: MemoryReader) -> None:
    wrong = dataclasses.replace(GOING, outcome="SELECT id, visits FROM shoppers")
    with pytest.raises(CatalogueError, match="outcome of the score 'going' gives"):
        train_score(wrong, SHOPPERS, shoppers, SHOPPER, TODAY)


def test_a_column_that_is_the_label_itself_is_pointed_out(shoppers: MemoryReader) -> None:
    label = Feature("label", "{value}", "SELECT id, COALESCE(gone, 0) FROM shoppers", direction=0)
    trained = train_score(
        dataclasses.replace(GOING, features=(*GOING.features, label)), SHOPPERS, shoppers, SHOPPER, TODAY
    )
    assert any("label alone tells almost every event" in notice for notice in trained.notices)


def test_a_card_says_data_features_and_limits(model: TrainedModel) -> None:
    card = model.card
    assert {"auc", "brier", "ece", "reliability", "calibration_slope", "rows", "events", "limits"} <= set(card)
    assert [f["name"] for f in card["feature_card"]] == ["visits", "term"]
    assert all(f["lowest_logit"] <= 0 <= f["highest_logit"] for f in card["feature_card"])
    assert all(f["direction"] == "less is riskier" for f in card["feature_card"])
    assert sum(row["count"] for row in card["reliability"]) == card["rows"]
