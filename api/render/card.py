"""Model cards for people: what a score was trained on, how good it is, what moves it, what it is not good for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from api.render.answers import line

if TYPE_CHECKING:
    from rich.console import Console


def render_card(console: Console, card: Mapping[str, Any]) -> None:
    """One card."""
    line(console, f"{card['score']}  {card['version']}", "bold")
    if card.get("description"):
        line(console, str(card["description"]))
    line(console, f"  kind        {card['kind']}")
    line(console, f"  data        {_data(card)}")
    line(console, f"  validation  {card['validation']}")
    line(console, f"  AUC {card['auc']}   Brier {card['brier']}   calibration error {card['ece']}   "
                  f"calibration slope {card.get('calibration_slope', '–')}")  # fmt: skip
    line(console, "  reliability: predicted against observed")
    for row in card["reliability"]:
        line(console, f"    {row['predicted']:6.1%}  {row['observed']:6.1%}  {row['count']:>6,} rows")
    line(console, "  features: the logit that each one may add")
    for feature in card.get("feature_card", ()):
        span = f"{feature['lowest_logit']:+.2f} .. {feature['highest_logit']:+.2f}"
        line(console, f"    {feature['name']:<24} {span:<18} {feature['direction']}")
    for sentence in [*card.get("limits", ()), *card.get("notices", ())]:
        line(console, f"  - {sentence}")


def render_cards(console: Console, cards: Sequence[Mapping[str, Any]]) -> None:
    """Several cards, one below the other."""
    for card in cards:
        render_card(console, card)


def render_versions(console: Console, versions: Sequence[Mapping[str, Any]]) -> None:
    """Every version on a line of its own."""
    if not versions:
        line(console, "no version yet: `tower churn --train` trains one")
    for one in versions:
        live = "live" if one["live"] else ""
        auc = f"AUC {one['auc']:.3f}" if one["auc"] is not None else ""
        line(console, f"{one['version']}  {str(one['created_at'])[:19]}  {auc}  {live}".rstrip())


def _data(card: Mapping[str, Any]) -> str:
    told = f"{card['rows']:,} rows of {card['entities']:,} entities, {card['events']:,} events"
    told += f" ({card['base_rate']:.1%}); as of {card['trained_as_of']}"
    days = card["snapshots"]
    return f"{told}; snapshots {days[0]} to {days[-1]}, {card['horizon_days']} days ahead" if days else told
