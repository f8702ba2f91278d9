"""The viewer's side of the task's private socket, on which the gate hands out work and keeps labels (HTTP over a Unix socket)."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["labels", "genesets"]

# The gate answers a poll within its own limit; silence for longer than this is a gate that hangs.
_POLL_SECONDS = 120.0
# A save waits until it is durable: the gate, the API and the disk or bucket behind it.
_SAVE_SECONDS = 60.0
_SHORT_SECONDS = 20.0
# The gate and the viewer start together: either may be the first.
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Work:
    path: str
    distribution: str | None
    diffexp_cells: int
    title: str
    # False: the page is for looking only.
    writable: bool


class GateError(Exception):
    """The gate is not there, or did not answer."""


class SaveRefused(Exception):
    """The vault did not take a save, or nobody knows whether it did; either way it counts as not saved."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("task", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class TaskSocket:
    def __init__(self, path: str, sleep: Callable[[float], None] = time.sleep, patience: float = _PATIENCE_SECONDS) -> None:
        self._path = path
        self._sleep = sleep
        self._patience = patience

    def work(self) -> Work:
        """Waits until the file is complete on disk, however long that takes."""
        while True:
            status, body = self._persistent("GET", "/work", None, _POLL_SECONDS)
            if status == 200:
                answer = json.loads(body)
                writable = answer["mode"] == "annotate"
                return Work(answer["path"], answer["distribution"], answer["diffexpCells"], answer["title"], writable)
            if status != 204:
                raise GateError(f"The gate answered {status} when asked for work.")
            self._sleep(0.05)

    def read(self, kind: Kind) -> bytes | None:
        """What the vault keeps; None: nothing yet."""
        status, body = self._persistent("GET", f"/vault/{kind}", None, _SHORT_SECONDS)
        if status not in (200, 204):
            raise GateError(f"The kept {_words(kind)} can't be read now (the vault answered {status}). Try again.")
        return body if status == 200 else None

    def save(self, kind: Kind, body: bytes, save_id: str | None) -> None:
        """Returns when the vault has it for good. Not repeated here: the page repeats, with the newest content."""
        headers = {"content-type": "text/csv; charset=utf-8"}
        if save_id is not None:
            headers["x-save-id"] = save_id
        try:
            status, _ = self._once("PUT", f"/vault/{kind}", body, _SAVE_SECONDS, headers)
        except (OSError, http.client.HTTPException) as error:
            raise SaveRefused(f"The {_words(kind)} are not saved: the vault did not answer. The page tries again.", 503) from error
        if status != 200:
            kept = status if 400 <= status < 500 else 503
            raise SaveRefused(f"The {_words(kind)} are not saved: the vault answered {status}.", kept)

    def loaded(self) -> None:
        status, _ = self._persistent("POST", "/loaded", b"{}", _SHORT_SECONDS)
        if status >= 300:
            raise GateError(f"The gate answered {status} to 'loaded'.")

    def failed(self, cause: Literal["load-failed", "out-of-memory"], detail: str) -> None:
        """Last words: said once, and never in the way of leaving."""
        body = json.dumps({"cause": cause, "detail": detail[:2000]}).encode()
        try:
            self._once("POST", "/failed", body, _SHORT_SECONDS, {"content-type": "application/json"})
        except (OSError, http.client.HTTPException, MemoryError):
            pass

    def _persistent(self, method: str, path: str, body: bytes | None, timeout: float) -> tuple[int, bytes]:
        """Asks again while the gate is not there or is overloaded, up to a limit."""
        waited = 0.0
        while True:
            try:
                status, answer = self._once(method, path, body, timeout, {"content-type": "application/json"})
                if status < 500 or waited >= self._patience:
                    return status, answer
            except (OSError, http.client.HTTPException) as error:
                if waited >= self._patience:
                    raise GateError(f"No answer from the gate on its socket for {self._patience:.0f} s.") from error
            pause = min(1.0, 0.05 + waited / 4)
            self._sleep(pause)
            waited += pause

    def _once(self, method: str, path: str, body: bytes | None, timeout: float, headers: dict[str, str]) -> tuple[int, bytes]:
        connection = _Connection(self._path, timeout)
        try:
            connection.request(method, path, body, headers if body is not None else {})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()


def _words(kind: Kind) -> str:
    return "labels" if kind == "labels" else "gene sets"
