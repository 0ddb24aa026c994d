"""A fake service behind a real server on a free loopback port, announced in a workspace's folder."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from api.access.owner import Owner
from api.access.signin import SignIn
from api.client.presence import announce, withdraw
from api.http.app import create_app
from tests.api.fake import FakeService


@contextmanager
def served(home: Path, service: FakeService, *, sign_in: SignIn | None = None) -> Iterator[str]:
    """Serve for the time of the block; gives the address."""
    owner = Owner.new()
    config = uvicorn.Config(
        create_app(service, owner=owner, sign_in=sign_in), host="127.0.0.1", port=0, log_level="error"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    presence = announce(home, url, owner.server, owner.token)
    try:
        yield url
    finally:
        withdraw(home, presence)
        server.should_exit = True
        thread.join(timeout=20)
