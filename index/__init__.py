"""What Tower holds and who may see it: catalogue, scope, guard, SQL index, vector index, embedder."""
