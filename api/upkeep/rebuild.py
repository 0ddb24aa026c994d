"""A new generation of the vector index: what it will cost, building it beside the live one, trying it, switching."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from api.upkeep.sync import Upkeep
    from index.vectors.gateway import VectorGateway

WARMING = "what the new index is asked first"
SAMPLE = 32  # passages embedded to tell how long all will take


@dataclass(frozen=True)
class Rebuild:
    """One run of `reindex`. `apart` builds in a process of its own; without `golden` no golden questions are asked."""

    upkeep: Upkeep
    apart: bool = False
    golden: bool = True

    def run(self, sources: Sequence[str], vectors_only: bool, full: bool) -> dict[str, Any]:
        """Sync unless `vectors_only`, build, try, switch; `StorageError` where the new generation may not be used."""
        from api.upkeep.build import build_apart
        from api.upkeep.gate import Tried, Verdict, golden_questions, judge, try_out
        from ingest.reindex import reindex

        upkeep, owned = self.upkeep, self.upkeep.owned
        owned.live.close_retired()
        golden, why_none = golden_questions(upkeep.settings, wanted=self.golden)
        notices = self.notices()
        for line in notices:
            upkeep.progress(line, 0, None)
        reports = [] if vectors_only else upkeep.sync(sources, full)
        if reports:
            owned.workspace._forget()  # tags that came with this sync belong to the administrator too
        tried: list[Tried] = []
        verdicts: list[Verdict] = []

        def fill(name: str) -> int:
            built = build_apart(owned.workspace.home, name, upkeep.progress, golden=bool(golden))
            tried.append(built.tried)
            return built.embedded

        def check(gateway: VectorGateway) -> str:
            if tried:  # elsewhere; a search warms what this process has opened
                owned.live.over(gateway).search(WARMING, owned.workspace.administrator(), k=1)
            else:
                tried.append(try_out(owned, gateway, golden, upkeep.progress))
            verdicts.append(judge(owned, tried[0], golden, why_none, upkeep.settings.golden_worse))
            return verdicts[0].reason

        report = reindex(
            owned.generations,
            owned.store,
            owned.embedder,
            check=check,
            progress=lambda done, total: upkeep.progress("embedding passages", done, total),
            anew=full,
            fill=fill if self.apart else None,
            take=owned.workspace.take,
            note=lambda: verdicts[0].summary,
        )
        return {**asdict(report), "golden": verdicts[0].as_json(), "notices": notices, "sources": reports}

    def roll_back(self) -> dict[str, Any]:
        """The generation before the live one answers again, with everything that was read since in it."""
        from ingest.reindex import roll_back

        owned = self.upkeep.owned
        owned.live.close_retired()
        bar = lambda done, total: self.upkeep.progress("embedding passages", done, total)  # noqa: E731
        name = roll_back(owned.generations, owned.store, owned.embedder, bar, owned.workspace.take)
        return {"generation": name}

    def cost(self, sources: Sequence[str], vectors_only: bool) -> dict[str, Any]:
        """What a run would do, without doing it: passages to embed, how long that takes here, what changed."""
        from api.upkeep.gate import golden_questions

        owned = self.upkeep.owned
        golden, why_none = golden_questions(self.upkeep.settings, wanted=self.golden)
        live = owned.generations.live()
        passages = self._passages()
        return {
            "dry_run": True,
            "live": live.generation if live is not None else "",
            "live_model": live.model if live is not None else "",
            "model": owned.embedder.identity,
            "reads": [] if vectors_only else [name for name in owned.sources.sources if not sources or name in sources],
            "passages": passages,
            "seconds": round(self._seconds(passages), 3),
            "golden_questions": len(golden),
            "notices": [*self.notices(), *([why_none] if why_none else [])],
        }

    def notices(self) -> list[str]:
        """What has changed since the live generation was built, with what it costs."""
        from ingest.sync.documents import cut_another_way

        owned = self.upkeep.owned
        live, model = owned.generations.live(), owned.embedder.identity
        told = []
        if live is not None and live.model != model:
            passages = self._passages()
            told.append(
                f"the embedder changed from {live.model} to {model}: {passages:,} passages are embedded anew, "
                f"about {_spoken(self._seconds(passages))} on this machine"
            )
        if documents := cut_another_way(owned.store):
            held = owned.store.status()
            passages = round(held.chunks * documents / max(1, held.documents))
            told.append(
                f"documents are cut into passages another way now: a sync cuts {documents:,} of {held.documents:,} "
                f"documents again and embeds about {passages:,} passages, about {_spoken(self._seconds(passages))}"
            )
        return told

    def _passages(self) -> int:
        """How many are to be embedded: all, but for those of a build that was cut off."""
        owned = self.upkeep.owned
        begun = [
            one.generation
            for one in owned.store.generations()
            if one.status == "building" and one.model == owned.embedder.identity
        ]
        return owned.store.count_pending(begun[0] if begun else "")

    def _seconds(self, passages: int) -> float:
        """How long embedding so many takes, by a few of them."""
        from ingest.indexing import embedded_text

        owned = self.upkeep.owned
        texts = [embedded_text(one) for one in islice(owned.store.read_chunks(""), SAMPLE)]
        if not texts:
            return 0.0
        owned.embedder.embed(texts[:1])  # loads the model
        begun = time.perf_counter()
        owned.embedder.embed(texts)
        return (time.perf_counter() - begun) / len(texts) * passages


def _spoken(seconds: float) -> str:
    if seconds < 100:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
