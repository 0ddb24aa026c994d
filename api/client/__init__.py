"""A running server as seen from this side: finding it, asking it, its answers as our own values."""
