"""A stand-in for a Qdrant server, where none is installed: qdrant-client's local engine behind the server's interface.

    python scripts/local_qdrant.py        # prints its address, and serves until it is killed

It keeps everything in memory, and has what Tower asks of a server and nothing else. Several processes share it.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from qdrant_client import QdrantClient, models


def create_app() -> FastAPI:
    """The interface over a new, empty engine."""
    warnings.simplefilter("ignore")  # that the local engine is exact, and has no payload indexes
    engine, one = QdrantClient(":memory:"), threading.Lock()
    app = FastAPI()
    done = models.UpdateResult(operation_id=1, status=models.UpdateStatus.COMPLETED)

    async def answered(call: Callable[[], Any]) -> Any:
        def locked() -> Any:
            with one:
                return call()

        found = await run_in_threadpool(locked)
        plain = found.model_dump(mode="json") if hasattr(found, "model_dump") else found
        return JSONResponse({"result": plain, "status": "ok", "time": 0.0})

    @app.get("/")
    def root() -> dict[str, str]:
        return {"title": "a stand-in for Qdrant", "version": "1.19.0"}

    @app.get("/collections")
    async def collections() -> Any:
        return await answered(engine.get_collections)

    @app.get("/collections/{name}/exists")
    async def exists(name: str) -> Any:
        return await answered(lambda: {"exists": engine.collection_exists(name)})

    @app.put("/collections/{name}")
    async def create(name: str, request: Request) -> Any:
        asked = models.CreateCollection.model_validate(await request.json())
        layout = {"vectors_config": asked.vectors, "sparse_vectors_config": asked.sparse_vectors}
        return await answered(lambda: engine.create_collection(name, **layout))

    @app.delete("/collections/{name}")
    async def delete(name: str) -> Any:
        return await answered(lambda: engine.delete_collection(name))

    @app.put("/collections/{name}/index")
    async def index(name: str) -> Any:
        return await answered(lambda: done)

    @app.put("/collections/{name}/points")
    async def upsert(name: str, request: Request) -> Any:
        points = models.PointsList.model_validate(await request.json()).points
        return await answered(lambda: engine.upsert(name, points))

    @app.post("/collections/{name}/points/delete")
    async def remove(name: str, request: Request) -> Any:
        return await answered_body(name, request, lambda body: engine.delete(name, body["points"]))

    @app.post("/collections/{name}/points/count")
    async def count(name: str, request: Request) -> Any:
        return await answered_body(name, request, lambda _: engine.count(name))

    @app.post("/collections/{name}/points/query")
    async def query(name: str, request: Request) -> Any:
        asked = models.QueryRequest.model_validate(await request.json())
        return await answered(
            lambda: engine.query_points(
                name,
                query=asked.query,
                using=asked.using,
                query_filter=asked.filter,
                limit=asked.limit or 10,
                with_payload=bool(asked.with_payload),
                with_vectors=asked.with_vector or False,
            )
        )

    async def answered_body(_name: str, request: Request, call: Callable[[Any], Any]) -> Any:
        body = await request.json()
        return await answered(lambda: call(body))

    return app


@contextlib.contextmanager
def local_qdrant() -> Iterator[str]:
    """The address of a stand-in in a process of its own, for as long as the block lasts."""
    process = subprocess.Popen([sys.executable, __file__], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


def main() -> None:
    """Serve on a free port of this machine."""
    import socket

    import uvicorn

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        server = uvicorn.Server(uvicorn.Config(create_app(), log_level="error", access_log=False))
        sys.stdout.write(f"http://127.0.0.1:{listening.getsockname()[1]}\n")
        sys.stdout.flush()
        server.run(sockets=[listening])


if __name__ == "__main__":
    main()
