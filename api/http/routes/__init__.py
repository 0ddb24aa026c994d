"""The routes, by what they are about. Plain functions, so that FastAPI runs their blocking work in its thread pool."""
