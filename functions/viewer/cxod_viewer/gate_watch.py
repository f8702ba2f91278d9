"""Ends a viewer whose gate is gone: nobody could reach it any more, and after a crash of the launcher nobody would end it."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time

log = logging.getLogger(__name__)


def watch(path: str, every: float = 5.0, patience: int = 4) -> threading.Thread:
    """
    Asks for a connection on the gate's socket now and then; after `patience` refusals in a row the process tells itself to end.
    A gate that was never there is not gone: beside a container whose image is still being fetched, that takes minutes. Who asks
    the gate for work says how long is too long.

    :param every: seconds between two looks
    """

    def look() -> None:
        while not _listens(path):
            time.sleep(every)
        refused = 0
        while refused < patience:
            time.sleep(every)
            refused = 0 if _listens(path) else refused + 1
        log.error("leaving: the gate is gone")
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=look, daemon=True, name="gate-watch")
    thread.start()
    return thread


def _listens(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(5)
        try:
            probe.connect(path)
        except OSError as error:
            # Full is not gone: a gate that is busy has a long queue.
            return isinstance(error, (BlockingIOError, TimeoutError))
    return True
