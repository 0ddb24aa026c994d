"""Search over both legs within a scope: passages, quotes, ranking, and LlamaIndex's faces of it."""
