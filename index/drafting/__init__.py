"""A first catalogue, drafted from a database."""
