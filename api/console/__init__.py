"""The pages at `/`: Ask, At risk, Drafts, Sources, Audit, signing in. Rendered here; scripts only add to them."""

from __future__ import annotations

from api.console import asking, assets, deciding, looking, signing, upkeep

routers = tuple(part.router for part in (asking, deciding, looking, upkeep, signing, assets))
