"""Our chunking inside LlamaIndex."""

from __future__ import annotations

from uuid import UUID

from llama_index.core.schema import Document as LlamaDocument

from ingest.node_parser import TowerNodeParser


def test_nodes_carry_exact_offsets_and_their_source() -> None:
    text = "\n\n".join(f"Paragraph {n}. " + "It says something of use. " * 20 for n in range(6))
    source = LlamaDocument(text=text, id_="d1", metadata={"title": "Guide"})
    nodes = TowerNodeParser().get_nodes_from_documents([source])
    assert len(nodes) > 3
    for node in nodes:
        assert node.get_content() == text[node.start_char_idx : node.end_char_idx]  # type: ignore[attr-defined]
        assert node.ref_doc_id == "d1" and node.metadata["title"] == "Guide"
        assert str(UUID(node.node_id)) == node.node_id  # as vector stores want it
    again = TowerNodeParser().get_nodes_from_documents([source])
    assert [node.node_id for node in again] == [node.node_id for node in nodes]


def test_nodes_say_under_which_headings_and_in_which_table_they_stand() -> None:
    rows = "\n".join(f"| item {n} | {'a value ' * 9}|" for n in range(30))
    text = f"# Guide\n\n## Prices\n\n| Name | Price |\n| --- | --- |\n{rows}\n\n```\n# no heading\n```\n"
    nodes = TowerNodeParser().get_nodes_from_documents([LlamaDocument(text=text, id_="d1")])
    assert nodes[0].metadata == {"heading": "Guide > Prices"}
    assert nodes[1].metadata == {"heading": "Guide > Prices", "table_header": "| Name | Price |"}
    assert nodes[1].get_content().startswith("| item")
