"""Serves the application with waitress: one process, a few threads, a listening socket that only its owner can open."""

from __future__ import annotations

import os
import signal
import socket
import stat
import time
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any

from waitress import wasyncore
from waitress.server import create_server

# waitress 3.0.2 against gunicorn 27 (gthread), 8 threads each, 2 processors, Unix socket, pbmc68k: `schema` 1,763 against 1,243
# requests/s on 1 connection (p50 0.48 against 0.68 ms), 1,983 against 1,785 on 10; 194 against 192 MB resident. Answers of
# 1.5 MB on 6 connections: 52 against 75 a second, both more than a page asks for. And no second process, no control socket.
# Threads wait for the vault and for slow readers; the computing shares one interpreter in any case.
_THREADS = 8
# Longer than a differential expression; the task runner kills what has not ended by itself.
_DRAIN_SECONDS = 100.0


def listening_socket(address: str) -> socket.socket:
    """:param address: `unix:/path`, or `host:port`"""
    if not address.startswith("unix:"):
        host, _, port = address.rpartition(":")
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        bound = socket.socket(family, socket.SOCK_STREAM)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host.strip("[]"), int(port)))
        return bound
    path = address[len("unix:") :]
    if os.path.exists(path) and stat.S_ISSOCK(os.stat(path).st_mode):
        os.unlink(path)  # of a viewer that died
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)  # 0600 from its first moment
    try:
        bound.bind(path)
    finally:
        os.umask(before)
    return bound


def serve(app: Any, listen: str, on_listening: Callable[[], None]) -> None:
    """Returns after SIGTERM or SIGINT, when every request under way has been answered."""
    server = create_server(
        app,
        sockets=[listening_socket(listen)],
        threads=_THREADS,
        ident=None,
        connection_limit=1000,
        # The gate keeps connections open; closing them under it would cost it a request now and then.
        channel_timeout=3600,
        # Answers stay in memory (they are there already); waitress would write those over 1 MB to a file first.
        outbuf_overflow=1 << 30,
        inbuf_overflow=64 << 20,
        asyncore_use_poll=True,
    )
    stopping = False

    def stop(signum: int, frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True
        server.pull_trigger()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    on_listening()
    while not stopping:
        wasyncore.loop(timeout=1, map=server._map, use_poll=True, count=1)
    _drain(server)


def _drain(server: Any) -> None:
    # Only the listening socket: `server.close()` would take the trigger away too, which threads pull to have answers sent.
    server.accepting = False
    wasyncore.dispatcher.close(server)
    end = time.monotonic() + _DRAIN_SECONDS
    while _busy(server.active_channels.values()) and time.monotonic() < end:
        wasyncore.loop(timeout=0.2, map=server._map, use_poll=True, count=1)


def _busy(channels: Iterable[Any]) -> bool:
    """A request being read, waiting, computed, or answered but not yet sent."""
    return any(channel.requests or channel.request is not None or channel.total_outbufs_len for channel in list(channels))
