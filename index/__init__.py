"""What Tower holds and who may see it.

- the semantic model: `catalogue`, `drafting` (from a database)
- who sees what: `scope`, `policy`, and its two renderings: `guard` (SQL) and the filters of `vectors`
- the SQL index: `store` (writes), `sql` (reads, guarded), `reading` (documents), `ledger`, `engine`
- the vector index: `embedding`, `vectors` (its engines and generations), `search` (ranking, passages, quotes)
- what leaves: `masking`; what must be gone: `forgetting`
"""
