"""A gate for tests: real HTTP on a real Unix socket, with a vault in memory that can be told to refuse or to lose its answer."""

from __future__ import annotations

import json
import socket
import socketserver
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any


@dataclass
class Put:
    kind: str
    body: bytes
    save_id: str | None


@dataclass
class FakeGate:
    path: str
    work: dict[str, Any] | None = None
    vault: dict[str, bytes] = field(default_factory=dict)
    puts: list[Put] = field(default_factory=list)
    said: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    # Status of the next saves; None: take them. `lost`: takes the save and hangs up instead of answering.
    refuse: int | str | None = None
    # Status of the next reads of the vault; None: answer them.
    blocked: int | None = None
    # Clear it to keep saves waiting.
    hold: threading.Event = field(default_factory=threading.Event)
    most_at_once: int = 0
    # How often the viewer asked for work.
    polls: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)

    def __enter__(self) -> FakeGate:
        gate = self
        self.hold.set()
        under_way = 0

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def address_string(self) -> str:
                return "viewer"

            def log_message(self, format: str, *args: Any) -> None:
                pass

            def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                if status != 204:
                    self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self) -> None:
                if self.path == "/work":
                    with gate.changed:
                        gate.polls += 1
                        gate.changed.notify_all()
                        gate.changed.wait_for(lambda: gate.work is not None, timeout=0.3)
                    if gate.work is None:
                        return self._answer(204)
                    return self._answer(200, json.dumps(gate.work).encode())
                if gate.blocked is not None:
                    return self._answer(gate.blocked)
                kept = gate.vault.get(self.path.removeprefix("/vault/"))
                return self._answer(204) if kept is None else self._answer(200, kept, x_vault_version="1")

            def do_PUT(self) -> None:
                kind = self.path.removeprefix("/vault/")
                body = self.rfile.read(int(self.headers["content-length"]))
                nonlocal under_way
                with gate.changed:
                    under_way += 1
                    gate.most_at_once = max(gate.most_at_once, under_way)
                    gate.puts.append(Put(kind, body, self.headers.get("x-save-id")))
                    gate.changed.notify_all()
                gate.hold.wait(120)
                with gate.changed:
                    under_way -= 1
                if isinstance(gate.refuse, int):
                    return self._answer(gate.refuse)
                gate.vault[kind] = body
                if gate.refuse == "lost":
                    self.close_connection = True
                    return self.connection.shutdown(socket.SHUT_RDWR)
                self._answer(200, b'{"version":"2"}')

            def do_POST(self) -> None:
                said = json.loads(self.rfile.read(int(self.headers["content-length"])) or b"{}")
                self._answer(200, b"{}")
                with gate.changed:
                    gate.said.append((self.path, said))
                    gate.changed.notify_all()

        class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            daemon_threads = True
            request_queue_size = 32

            def handle_error(self, request: Any, client_address: Any) -> None:
                pass  # viewers are killed in these tests

        self._server = Server(self.path, Handler)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def give_work(self, work: dict[str, Any]) -> None:
        with self.changed:
            self.work = work
            self.changed.notify_all()

    def asked(self, times: int, timeout: float = 60) -> None:
        with self.changed:
            if not self.changed.wait_for(lambda: self.polls >= times, timeout):
                raise AssertionError(f"the viewer asked for work {self.polls} times in {timeout} s")

    def heard(self, path: str, timeout: float = 60) -> dict[str, Any]:
        """What the viewer said to `path`, waiting for it."""
        with self.changed:
            self.changed.wait_for(lambda: bool(self.said), timeout)
            for where, what in self.said:
                if where == path:
                    return what
            raise AssertionError(f"the viewer did not POST {path} within {timeout} s; it said {self.said}")
