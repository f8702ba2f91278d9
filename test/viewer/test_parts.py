"""The small parts: what counts as out of memory, whether values are counts, how long the gate is waited for."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import unittest
from typing import Any
from unittest import mock

import numpy as np
from fake_gate import FakeGate
from scipy import sparse

from cxod_viewer import distribution, gate_watch, main
from cxod_viewer.memory import is_out_of_memory
from cxod_viewer.task_socket import GateError, TaskSocket, Work


def raised(*errors: Exception, explicit: bool = True) -> BaseException:
    """The last error, caused by the one before it, and so on; `explicit`: `raise … from`."""
    below: BaseException | None = None
    for error in errors:
        if explicit:
            error.__cause__ = below
        else:
            error.__context__ = below
        below = error
    assert below is not None
    return below


class OutOfMemory(unittest.TestCase):
    def test_every_shape_of_a_failed_allocation(self) -> None:
        numpy_own: BaseException = ValueError()
        try:
            np.empty(1 << 60, np.uint8)
        except MemoryError as error:
            numpy_own = error
        for error in (
            MemoryError(),
            numpy_own,
            OSError(12, "Cannot allocate memory"),
            RuntimeError("can't start new thread"),
            OSError("Can't synchronously read data (Resource unavailable: memory allocation failed for chunk)"),
            ValueError("Unable to allocate 3 GiB for an array"),
            raised(MemoryError(), OSError("inaccessible")),
            raised(MemoryError(), KeyError("x"), OSError("inaccessible"), explicit=False),
        ):
            with self.subTest(error=repr(error)):
                self.assertTrue(is_out_of_memory(error))

    def test_other_errors_even_if_they_quote_such_words(self) -> None:
        loop = KeyError("a")
        loop.__context__ = loop
        for error in (
            None,
            loop,
            KeyError("Cannot allocate memory"),
            ValueError("no category 'Cannot allocate memory'"),
            OSError("file signature not found"),
        ):
            with self.subTest(error=repr(error)):
                self.assertFalse(is_out_of_memory(error))


class DistributionOfValues(unittest.TestCase):
    def test_as_cellxgene_finds_it(self) -> None:
        from server.common.compute.estimate_distribution import estimate_approximate_distribution as original

        rng = np.random.default_rng(1)
        cases: list[Any] = []
        for top in (5, 23.9, 24, 24.1, 100):
            values = (rng.random((40, 30)) * top).astype(np.float32)
            values[0, 0], values[1, 1] = 0, top
            cases += [values, np.asfortranarray(values), sparse.csr_matrix(values), sparse.csc_matrix(values)]
        for bad in (np.nan, np.inf, -np.inf):
            values = rng.random((40, 30)).astype(np.float32)
            values[3, 3] = bad
            cases += [values, sparse.csr_matrix(values)]
        # Stored values only: zeros that are not stored don't widen the range.
        cases.append(sparse.csr_matrix(np.where(rng.random((40, 30)) < 0.5, 30, 0).astype(np.float32)))
        cases.append(np.zeros((0, 5), np.float32))
        for case in cases:
            with self.subTest(case=type(case), top=case.max() if case.size else None):
                self.assertEqual(distribution.estimate(case), original(case))
        for refused in (np.zeros((2, 2), bool), sparse.coo_matrix(np.eye(3, dtype=np.float32))):
            for either in (distribution.estimate, original):
                self.assertRaises(TypeError, either, refused)


class Waiting(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = f"{folder.name}/task.sock"
        self.slept: list[float] = []

    def test_a_gate_that_comes_late(self) -> None:
        gate = FakeGate(self.path, work={"path": "/f", "distribution": None, "diffexpCells": 5, "title": "t", "mode": "view"})

        def sleep(seconds: float) -> None:
            self.slept.append(seconds)
            if len(self.slept) == 3:
                gate.__enter__()

        work = TaskSocket(self.path, sleep).work()
        gate.__exit__()
        self.assertEqual(work, Work("/f", None, 5, "t", writable=False))
        self.assertEqual(len(self.slept), 3)

    def test_a_gate_that_never_comes(self) -> None:
        with self.assertRaisesRegex(GateError, "No answer from the gate"):
            TaskSocket(self.path, self.slept.append).work()
        self.assertGreaterEqual(sum(self.slept), 60)
        self.assertLess(sum(self.slept), 62)

    def test_last_words_never_raise(self) -> None:
        TaskSocket(self.path).failed("load-failed", "x" * 5000)
        with FakeGate(self.path) as gate:
            TaskSocket(self.path).failed("load-failed", "é" * 5000)
            self.assertEqual(gate.heard("/failed", 5), {"cause": "load-failed", "detail": "é" * 2000})


class GateWatch(unittest.TestCase):
    def test_a_viewer_whose_gate_is_gone_tells_itself_to_end_and_not_before(self) -> None:
        with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as gate:
            path = f"{folder}/task.sock"
            gate.bind(path)
            gate.listen()
            gate.settimeout(60)
            code = "import sys, time; from cxod_viewer.gate_watch import watch; watch(sys.argv[1], 0.1, 3); time.sleep(60)"
            folders = ":".join(path for path in sys.path if path.endswith(("functions/viewer", "site-packages")))
            child = subprocess.Popen([sys.executable, "-c", code, path], env={"PYTHONPATH": folders}, stderr=subprocess.DEVNULL)
            self.addCleanup(child.kill)
            for _ in range(6):  # looks; more than its patience
                gate.accept()[0].close()
            self.assertIsNone(child.poll())
            gate.close()
            self.assertEqual(child.wait(30), -signal.SIGTERM)

    def test_a_gate_that_was_never_there_is_not_gone_and_one_refusal_is_none(self) -> None:
        looks = iter([False] * 9 + [True] + [False, True] + [False] * 3)
        with mock.patch.object(gate_watch, "_listens", lambda path: next(looks)), mock.patch("os.kill") as kill:
            gate_watch.watch("", every=0, patience=3).join(30)
        self.assertEqual(list(looks), [])
        kill.assert_called_once_with(os.getpid(), signal.SIGTERM)


class MemoryFromTheEnvironment(unittest.TestCase):
    def bound(self, *arguments: str, **environment: str) -> int | None:
        words = ["viewer", "--task-socket", "a", "--listen", "unix:b", *arguments]
        with mock.patch.dict(os.environ, environment, clear=True), mock.patch.object(sys, "argv", words):
            return main._arguments().memory_mib  # type: ignore[no-any-return]

    def test_is_taken_unless_an_argument_says_otherwise(self) -> None:
        self.assertIsNone(self.bound())
        self.assertIsNone(self.bound(CXOD_MEMORY_MIB=""))
        self.assertEqual(self.bound(CXOD_MEMORY_MIB="3840"), 3840)
        self.assertEqual(self.bound("--memory-mib", "512", CXOD_MEMORY_MIB="3840"), 512)
        with mock.patch("sys.stderr"), self.assertRaises(SystemExit):
            self.bound(CXOD_MEMORY_MIB="much")
