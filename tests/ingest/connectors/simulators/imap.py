"""An IMAP4rev1 server for one mailbox: LOGIN, EXAMINE, UID SEARCH ALL, UID FETCH. After RFC 3501."""

from __future__ import annotations

import contextlib
import re
import socketserver
import threading
from collections.abc import Iterator
from typing import Any


class ImapServer:
    """Messages by UID in INBOX. `hang_up` closes that many connections in the middle of a fetch."""

    user, password = "ana@example.com", "imap-secret-value"

    def __init__(self) -> None:
        self.messages: dict[int, bytes] = {}
        self.validity = 7
        self.hang_up = 0
        self.commands: list[str] = []

    @contextlib.contextmanager
    def running(self) -> Iterator[ImapServer]:
        server = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(OSError):
                    server._talk(self)

        with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as tcp:
            tcp.daemon_threads = True
            self.port = tcp.server_address[1]
            threading.Thread(target=tcp.serve_forever, args=(0.02,), daemon=True).start()
            yield self
            tcp.shutdown()

    def _talk(self, handler: Any) -> None:
        def say(text: str) -> None:
            handler.wfile.write(text.encode() + b"\r\n")

        say("* OK IMAP4rev1 ready")
        while line := handler.rfile.readline():
            tag, _, command = line.decode().strip().partition(" ")
            self.commands.append(re.sub(r"^LOGIN .*", "LOGIN", command, flags=re.IGNORECASE))
            verb = command.upper()
            if verb.startswith("CAPABILITY"):
                say("* CAPABILITY IMAP4rev1")
            elif verb.startswith("LOGIN"):
                if self.password not in command or self.user not in command:
                    say(f"{tag} NO [AUTHENTICATIONFAILED] Invalid credentials")
                    continue
            elif verb.startswith("EXAMINE"):
                if "INBOX" not in command:
                    say(f"{tag} NO [NONEXISTENT] Unknown Mailbox")
                    continue
                say(f"* {len(self.messages)} EXISTS")
                say(f"* OK [UIDVALIDITY {self.validity}] UIDs valid")
            elif verb.startswith("UID SEARCH"):
                say("* SEARCH " + " ".join(map(str, sorted(self.messages))))
            elif verb.startswith("UID FETCH"):
                if self.hang_up:
                    self.hang_up -= 1
                    return
                self._fetch(handler, command, say)
            elif verb.startswith("LOGOUT"):
                say("* BYE")
                say(f"{tag} OK done")
                return
            say(f"{tag} OK done")

    def _fetch(self, handler: Any, command: str, say: Any) -> None:
        found = re.match(r"UID FETCH (\S+) .*<0\.(\d+)>", command, re.IGNORECASE)
        assert found is not None
        for uid in map(int, found[1].split(",")):
            if uid in self.messages:
                body = self.messages[uid][: int(found[2])]
                say(f"* {uid} FETCH (UID {uid} BODY[]<0> {{{len(body)}}}")
                handler.wfile.write(body)
                say(")")
