"""The pages at `/`: Ask, At risk, Drafts, Sources, Audit, signing in. Rendered here; scripts only make them livelier."""

from __future__ import annotations

from fastapi import APIRouter

from api.console import asking, assets, deciding, looking, signing, upkeep

router = APIRouter(include_in_schema=False)
for _part in (asking, deciding, looking, upkeep, signing, assets):
    router.include_router(_part.router)
