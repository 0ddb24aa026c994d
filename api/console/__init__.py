"""The pages at `/`: Ask, At risk, Drafts, Sources, Review, Audit, signing in. Rendered here; scripts only add."""

from __future__ import annotations

from api.console import asking, assets, deciding, looking, reviewing, signing, upkeep

routers = tuple(part.router for part in (asking, deciding, looking, reviewing, upkeep, signing, assets))
