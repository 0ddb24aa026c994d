"""Rebuilding beside the live index."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from index.errors import NotFoundError, StorageError
from index.scope import Scope
from index.store.store import Store
from index.vectors.gateway import Narrow, VectorGateway
from index.vectors.generations import Generations
from ingest.indexing import index_vectors
from ingest.reindex import reindex, roll_back, unfound
from tests.index.shelf import WordEmbedder, document, put, reader, remove, store_at


class Workspace:
    """A workspace with a first, live generation of three documents."""

    def __init__(self, home: Path) -> None:
        self.store: Store = store_at(home)
        self.embedder = WordEmbedder()
        self.generations = Generations(home, self.store)
        put(self.store, *[document(f"library:{n}", f"Text number {n}.") for n in range(3)])
        live, self.gateway = self.generations.live_or_first(self.embedder)
        index_vectors(self.store, self.gateway, self.embedder, live.generation)

    def live(self) -> str:
        live = self.generations.live()
        assert live is not None
        return live.generation

    def statuses(self) -> dict[str, str]:
        return {one.generation: one.status for one in self.store.generations()}


def found(gateway: VectorGateway, scope: Scope) -> set[str]:
    hits = gateway.search(scope, WordEmbedder().embed_query("text number"), None, narrow=Narrow(), limit=100)
    return {hit.chunk_id for hit in hits}


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    built = Workspace(tmp_path)
    yield built
    built.gateway.close()


def test_a_rebuild_answers_the_same_and_keeps_one_to_go_back_to(workspace: Workspace) -> None:
    report = reindex(workspace.generations, workspace.store, workspace.embedder)
    assert (report.generation, report.embedded, report.total) == ("g0002", 3, 3)
    assert workspace.statuses() == {"g0001": "old", "g0002": "live"}
    _, gateway = workspace.generations.open_live(workspace.embedder)
    assert found(gateway, reader("public")) == found(workspace.gateway, reader("public"))
    gateway.close()


def test_the_third_rebuild_removes_the_first(workspace: Workspace, tmp_path: Path) -> None:
    workspace.gateway.close()
    for _ in range(2):
        report = reindex(workspace.generations, workspace.store, workspace.embedder)
    assert report.removed == ("g0001",)
    assert {path.name for path in (tmp_path / "vectors").iterdir() if path.is_dir()} == {"g0002", "g0003"}


def test_questions_go_on_while_the_new_index_is_built(workspace: Workspace) -> None:
    during: list[set[str]] = []

    def ask(_new: VectorGateway) -> str:
        during.append(found(workspace.gateway, reader("public")))
        assert workspace.live() == "g0001"
        return ""

    reindex(workspace.generations, workspace.store, workspace.embedder, check=ask)
    assert during == [{"library:0#0", "library:1#0", "library:2#0"}]


def explode(_new: VectorGateway) -> str:
    raise StorageError("the disk is full")


@pytest.mark.parametrize("check", [lambda _new: "3 golden questions fail", explode])
def test_a_failed_check_leaves_the_live_index_in_place(
    workspace: Workspace, check: Callable[[VectorGateway], str], tmp_path: Path
) -> None:
    with pytest.raises(StorageError, match=r"golden questions fail|disk is full"):
        reindex(workspace.generations, workspace.store, workspace.embedder, check=check)
    assert workspace.statuses() == {"g0001": "live", "g0002": "failed"}
    assert not (tmp_path / "vectors" / "g0002").exists()
    assert len(found(workspace.gateway, reader("public"))) == 3


def test_a_killed_build_goes_on_where_it_was(workspace: Workspace) -> None:
    def kill(_new: VectorGateway) -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reindex(workspace.generations, workspace.store, workspace.embedder, check=kill)
    assert workspace.statuses() == {"g0001": "live", "g0002": "building"}
    report = reindex(workspace.generations, workspace.store, workspace.embedder)
    assert (report.generation, report.embedded, report.total) == ("g0002", 0, 3)


def test_another_model_gets_vectors_of_its_own(workspace: Workspace) -> None:
    other = WordEmbedder("words/2")
    assert reindex(workspace.generations, workspace.store, other).generation == "g0002"
    live, gateway = workspace.generations.open_live(other)
    assert live.model == "words/2"
    gateway.close()


def test_a_roll_back_catches_up_with_what_came_since(workspace: Workspace) -> None:
    workspace.gateway.close()
    reindex(workspace.generations, workspace.store, workspace.embedder)
    put(workspace.store, document("library:9", "Text number nine."))
    remove(workspace.store, "library:0")
    assert roll_back(workspace.generations, workspace.store, workspace.embedder) == "g0001"
    assert workspace.statuses() == {"g0001": "live", "g0002": "old"}
    _, gateway = workspace.generations.open_live(workspace.embedder)
    assert found(gateway, reader("public")) == {"library:1#0", "library:2#0", "library:9#0"}
    gateway.close()


def test_without_an_earlier_index_there_is_no_way_back(workspace: Workspace) -> None:
    with pytest.raises(NotFoundError, match="earlier"):
        roll_back(workspace.generations, workspace.store, workspace.embedder)


def test_an_index_that_does_not_find_its_own_passages_is_noticed(workspace: Workspace) -> None:
    scope = reader("public")
    assert unfound(workspace.store, workspace.gateway, workspace.embedder, scope) == (3, [])
    workspace.gateway.delete(["library:1#0"])
    assert unfound(workspace.store, workspace.gateway, workspace.embedder, scope) == (3, ["library:1#0"])
