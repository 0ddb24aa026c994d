"""The vector index: one gateway, its engines, its keyword leg, its generations."""
