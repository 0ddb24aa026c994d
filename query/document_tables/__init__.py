"""Tables that stand in documents: read as grids, looked up and calculated with, every cell with its place."""
