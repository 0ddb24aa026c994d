"""Generations: folders, the model they were built with, roll-back and clearing up."""

from __future__ import annotations

from pathlib import Path

import pytest

from index.errors import ModelError, NotFoundError
from index.vectors.gateway import Point, SparseVector
from index.vectors.generations import Generations
from tests.index.shelf import WordEmbedder, store_at


@pytest.fixture
def generations(tmp_path: Path) -> Generations:
    return Generations(tmp_path, store_at(tmp_path))


def test_before_the_first_build_there_is_nothing_to_open(generations: Generations) -> None:
    assert generations.live() is None
    with pytest.raises(NotFoundError, match="no vector index"):
        generations.open_live(WordEmbedder())


def test_the_first_generation_is_live_at_once_and_stays(generations: Generations) -> None:
    first, gateway = generations.live_or_first(WordEmbedder())
    gateway.upsert([Point("a#0", "a", "s", ("t",), (), "", "h", [1.0] * 384, SparseVector((), ()))])
    gateway.close()
    again, gateway = generations.live_or_first(WordEmbedder())
    assert again.generation == first.generation == "g0001" and gateway.count() == 1
    gateway.close()


def test_vectors_of_another_model_are_refused_with_the_way_out(generations: Generations) -> None:
    _, gateway = generations.live_or_first(WordEmbedder("words/1"))
    gateway.close()
    with pytest.raises(ModelError, match=r"words/1.*words/2") as error:
        generations.open_live(WordEmbedder("words/2"))
    assert "tower reindex" in error.value.hint


def test_a_build_that_was_cut_off_goes_on_unless_its_model_changed(generations: Generations) -> None:
    begun = generations.begin(WordEmbedder("words/1"))
    half = generations.folder(begun.generation) / "half"
    half.mkdir(parents=True)
    assert generations.begin(WordEmbedder("words/1")) == begun and half.exists()
    generations.begin(WordEmbedder("words/1"), anew=True)
    assert not half.exists()
    other = generations.begin(WordEmbedder("words/2"))
    assert other.model == "words/2"
    assert generations.begin(WordEmbedder("words/2")) == other


def test_collecting_keeps_what_is_live_building_and_the_newest_old(generations: Generations, tmp_path: Path) -> None:
    embedder = WordEmbedder()
    for _ in range(3):
        built = generations.begin(embedder)
        generations.open(built, embedder).close()
        generations.switch(built.generation)
    building = generations.begin(embedder)
    generations.open(building, embedder).close()
    (tmp_path / "vectors" / "stray").mkdir()
    assert generations.collect(keep=1) == ["g0001", "stray"]
    folders = {path.name for path in (tmp_path / "vectors").iterdir() if path.is_dir()}
    assert folders == {"g0002", "g0003", building.generation}
    assert generations.previous().generation == "g0002"
    assert generations.collect(keep=0) == ["g0002"]
    with pytest.raises(NotFoundError):
        generations.previous()
