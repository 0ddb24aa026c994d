"""A question to its plan: what it wants done, what it speaks of, which path it takes, and the steps of that path."""
