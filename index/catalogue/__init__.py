"""The catalogue (semantic model): its values, its YAML, its check against data, and the part that a scope shows."""
