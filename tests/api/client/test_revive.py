"""JSON becomes the dataclass that it was made from."""

import datetime as dt

from api.client.revive import revive
from api.encode import plain
from api.render.answers import plan_json
from index.catalogue.model import Catalogue
from query.evidence import EntityScore
from query.plan import DraftStep, Link, Plan, Reading, Route, ScoreStep, SearchStep, SqlStep
from tests.api.fake import CATALOGUE, FakeService


def test_a_plan_with_every_kind_of_step_comes_back_as_it_was() -> None:
    reading = Reading("SELECT 1", 0.9, "one", links=(Link("a", 0, 1, "table", "t"),), tables=("t",), y=("n",))
    steps = (
        SqlStep("a", reading),
        SearchStep("b", "zips", k=3, keys_from="a", sources=("crm",)),
        ScoreStep("c", "churn", "a", due=("2026-01-01", "2026-04-01")),
        DraftStep("d", "retention", "account", "c"),
    )
    plan = Plan("why?", Route("hybrid", "both", 0.5), steps, alternatives=(reading,), notices=("n",))
    assert revive(Plan, plan_json(plan)) == plan


def test_scores_and_the_catalogue_come_back_as_they_were() -> None:
    service = FakeService()
    [score] = service.churn(service.scope_for(None))
    assert revive(EntityScore, plain(score)) == score
    dated = Catalogue(CATALOGUE.tables, today=dt.date(2026, 5, 18), vocabulary={"client": "account"})
    assert revive(Catalogue, plain(dated)) == dated
