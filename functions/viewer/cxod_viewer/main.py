"""
The life of a viewer: bound its memory, import everything while the file is on its way, load, say so, serve, leave.

Leaves with 0 when told to (SIGTERM), 77 when memory ran out, 78 when the file can't be opened, 1 when the gate is gone.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import threading
from typing import Any, NoReturn

from . import gate_watch, memory
from .log import configure
from .task_socket import GateError, TaskSocket

OUT_OF_MEMORY = 77
LOAD_FAILED = 78

log = logging.getLogger(__name__)


class LastWords:
    """Says why the viewer goes, once, whatever thread finds out first."""

    def __init__(self, task: TaskSocket, bound_mib: int | None) -> None:
        self._task = task
        self._bound_mib = bound_mib
        self._lock = threading.Lock()
        self._reserve = memory.Reserve()

    def if_out_of_memory(self, error: BaseException | None) -> None:
        """Does nothing for other errors."""
        try:
            told = memory.is_out_of_memory(error)
        except MemoryError:
            told = True
        if told:
            self.out_of_memory()

    def out_of_memory(self) -> NoReturn:
        with self._lock:  # a second thread waits here until the process ends
            self._reserve.release()
            of = f" of {self._bound_mib} MiB" if self._bound_mib else ""
            self._task.failed("out-of-memory", f"The viewer's memory{of} was not enough. Start it with more memory.")
            os._exit(OUT_OF_MEMORY)

    def load_failed(self, error: BaseException) -> NoReturn:
        with self._lock:
            self._task.failed("load-failed", _explain(error))
            os._exit(LOAD_FAILED)


def main() -> NoReturn:
    arguments = _arguments()
    if arguments.memory_mib is not None:
        memory.bound(arguments.memory_mib)
    configure()
    task = TaskSocket(arguments.task_socket, patience=arguments.gate_seconds)
    words = LastWords(task, arguments.memory_mib)
    _watch(words)
    # Until it serves there is nothing to finish.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    signal.signal(signal.SIGINT, lambda *_: os._exit(0))
    try:
        _run(task, words, arguments.listen, arguments.task_socket)
    except GateError as error:
        log.error("leaving: %s", error)
        os._exit(1)
    except BaseException as error:
        words.if_out_of_memory(error)
        log.exception("leaving")
        os._exit(1)
    # Threads that still compute for a page that is gone must not hold the process.
    os._exit(0)


def _run(task: TaskSocket, words: LastWords, listen: str, task_socket: str) -> None:
    _prepare()
    gate_watch.watch(task_socket)
    from . import distribution

    distribution.install()
    from . import app, serve

    work = task.work()
    try:
        config = app.load(work, task)
        flask = app.create_app(config, words.if_out_of_memory)
    except GateError:
        raise
    except Exception as error:
        words.if_out_of_memory(error)
        if memory.nearly_full():
            words.out_of_memory()
        log.exception("can't load")
        words.load_failed(error)

    def guarded(environ: dict[str, Any], start_response: Any) -> Any:
        try:
            return flask.wsgi_app(environ, start_response)
        except BaseException as error:
            words.if_out_of_memory(error)
            raise

    def loaded() -> None:
        try:
            task.loaded()
        except GateError as error:
            log.error("leaving: %s", error)
            os._exit(1)

    # In a thread, because the gate may ask the viewer something before it answers.
    serve.serve(guarded, listen, on_listening=threading.Thread(target=loaded, daemon=True).start)


def _prepare() -> None:
    """Before numpy is imported: threads that only cost memory (each has its buffers and its stack, all counted)."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    threading.stack_size(1 << 20)


def _watch(words: LastWords) -> None:
    """Errors that no request handler sees: in waitress's loop, in other threads."""

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.exc_info:
                words.if_out_of_memory(record.exc_info[1])

    logging.getLogger().addHandler(Handler())
    threading.excepthook = lambda args: words.if_out_of_memory(args.exc_value)


def _explain(error: BaseException) -> str:
    """cellxgene's own words; and, as it often hides the reason, the error below it."""
    told = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    told = told or type(error).__name__
    below = error.__cause__ or error.__context__
    if below is not None and str(below) and str(below) not in told:
        # anndata notes which part it was reading.
        notes = " ".join(getattr(below, "__notes__", []))
        told += f" ({type(below).__name__}: {below}{' ' + notes if notes else ''})"
    return told


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="viewer", description=__doc__)
    parser.add_argument("--task-socket", required=True, help="the gate's private socket")
    parser.add_argument("--listen", required=True, help="unix:PATH or HOST:PORT")
    parser.add_argument(
        "--memory-mib",
        type=int,
        # What a container gets differs from task to task, and its arguments don't.
        default=os.environ.get("CXOD_MEMORY_MIB") or None,
        help="most memory the viewer may allocate; CXOD_MEMORY_MIB in the environment says the same",
    )
    parser.add_argument("--gate-seconds", type=float, default=60, help="how long to wait for a gate that is not there yet")
    return parser.parse_args()
