"""What Tower holds and who may see it.

- the semantic model: `catalogue` (values), `catalogue_file` (YAML), `catalogue_prune`, `drafting` (from a database)
- who sees what: `scope`, and its two renderings: `guard` (SQL) and `vectors` (the vector gateway)
- the SQL index: `schema`, `store` (writes), `sql` (reads, guarded), `reading` (documents), `ledger`, `engine`
- the vector index: `edge` (Qdrant in process), `memory` (the fake), `generations`, `minilm` (embedder), `keywords`,
  `fusion`, `passages` (search), `quotes`; `retriever` shows it through LlamaIndex's interfaces
"""
