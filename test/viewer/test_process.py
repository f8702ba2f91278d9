"""The viewer as the task runner starts it: a process of its own, on real data, with a gate on its private socket."""

from __future__ import annotations

import gzip
import http.client
import json
import os
import pathlib
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import unittest
import zlib
from typing import Any

import brotli
from fake_gate import FakeGate
from make_data import make
from server.common.fbs.matrix import decode_matrix_fbs
from viewer_app import encoded

VIEWER = pathlib.Path(__file__).resolve().parents[2] / "functions" / "viewer"
SAMPLE = os.environ.get("CXOD_TEST_SAMPLE", "")
CELLS = 700
API = "/api/v0.2"


def work(path: str, distribution: str | None) -> dict[str, Any]:
    return {"path": path, "distribution": distribution, "diffexpCells": 690, "title": "A title", "mode": "annotate"}


class Connection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("viewer", timeout=60)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Running(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.gate = FakeGate(f"{self.folder}/task.sock")
        self.gate.__enter__()
        self.addCleanup(self.gate.__exit__)
        self.listen = f"{self.folder}/viewer.sock"

    def start(self, path: str | None, memory_mib: int = 2048, distribution: str | None = "normal") -> subprocess.Popen[bytes]:
        if path is not None:
            self.gate.give_work(work(path, distribution))
        where = ["--task-socket", self.gate.path, "--listen", f"unix:{self.listen}", "--memory-mib", str(memory_mib)]
        self.log = tempfile.TemporaryFile()
        self.addCleanup(self.log.close)
        # An environment as small as a task's; what cellxgene would take from it must not matter.
        hostile = {"CXG_SECRET_KEY": "open('/dev/null')", "CXG_SERVER_PORT": "none", "PATH": os.environ["PATH"]}
        process = subprocess.Popen([sys.executable, "-B", "-I", str(VIEWER), *where], stderr=self.log, env=hostile, cwd=self.folder)
        self.addCleanup(self.end, process)
        return process

    def end(self, process: subprocess.Popen[bytes]) -> None:
        if process.poll() is None:
            process.kill()
        process.wait()

    def logged(self) -> str:
        self.log.seek(0)
        return self.log.read().decode()

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, dict[str, str], bytes]:
        connection = Connection(self.listen)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()


class OnTheSample(Running):
    def setUp(self) -> None:
        super().setUp()
        self.assertTrue(os.path.isfile(SAMPLE), "CXOD_TEST_SAMPLE names no file: it is the 700-cell sample data set")

    def test_from_start_to_end(self) -> None:
        viewer = self.start(None, distribution=None)
        self.gate.asked(3)  # "not yet" means: ask again
        self.assertEqual(self.gate.said, [])
        self.assertFalse(os.path.exists(self.listen), "nothing listens before the file is there")
        self.gate.vault["labels"] = b"index,kept\nAAAGCCTGGCTAAC-1,yes\n"
        self.gate.give_work(work(SAMPLE, None))
        self.gate.heard("/loaded")
        self.assertEqual(stat.S_IMODE(os.stat(self.listen).st_mode), 0o600)

        self.assertEqual(self.ask("GET", "/health")[0], 200)
        config = json.loads(self.ask("GET", f"{API}/config")[2])["config"]
        self.assertEqual(config["displayNames"]["dataset"], "A title")
        self.assertEqual(config["limits"]["diffexp_cellcount_max"], 690)
        parameters = config["parameters"]
        # With these the page shows no dialog (its condition: prompt wanted, name writable, no name yet).
        self.assertIs(parameters["annotations"], True)
        self.assertIs(parameters["annotations-data-collection-is-read-only"], True)
        self.assertIs(parameters["annotations_genesets_readonly"], False)
        schema = json.loads(self.ask("GET", f"{API}/schema")[2])["schema"]
        self.assertEqual((schema["dataframe"]["nObs"], schema["dataframe"]["nVar"]), (CELLS, 765))
        writable = [column["name"] for column in schema["annotations"]["obs"]["columns"] if column["writable"]]
        self.assertEqual(writable, ["kept"])
        kept = decode_matrix_fbs(self.ask("GET", f"{API}/annotations/obs?annotation-name=kept", accept="*/*")[2])["kept"]
        self.assertEqual(kept.value_counts().to_dict(), {"unassigned": CELLS - 1, "yes": 1})

        self.compressed_and_plain()
        self.files_of_the_page()
        self.save_and_read()
        self.differential_expression()
        mapped = pathlib.Path(f"/proc/{viewer.pid}/maps")
        if mapped.exists():
            self.assertNotIn("llvmlite", mapped.read_text(), "numba is not imported")

        viewer.send_signal(signal.SIGTERM)
        self.assertEqual(viewer.wait(60), 0)
        self.assertEqual([said[0] for said in self.gate.said], ["/loaded"])
        self.assertNotIn("error", self.logged())

    def compressed_and_plain(self) -> None:
        def zstd(data: bytes) -> bytes:
            from backports import zstd as library

            return bytes(library.decompress(data))

        inflate = {"gzip": gzip.decompress, "deflate": zlib.decompress, "br": brotli.decompress, "zstd": zstd}
        for path in ("schema", "layout/obs?layout-name=umap", "annotations/obs?annotation-name=louvain", "annotations/var", "genesets"):
            status, headers, plain = self.ask("GET", f"{API}/{path}", accept="application/octet-stream, application/json")
            self.assertEqual(status, 200)
            self.assertGreater(len(plain), 20, path)
            self.assertEqual(int(headers["content-length"]), len(plain))
            for name in ("content-encoding", "set-cookie", "cache-control", "server"):
                self.assertNotIn(name, headers)
            for coding, undo in inflate.items():
                accepted = {"accept": "application/octet-stream, application/json", "accept_encoding": coding}
                status, headers, body = self.ask("GET", f"{API}/{path}", **accepted)
                with self.subTest(path=path, coding=coding):
                    self.assertEqual(headers.get("content-encoding"), coding if len(plain) >= 500 else None)
                    self.assertEqual(undo(body) if len(plain) >= 500 else body, plain)

    def files_of_the_page(self) -> None:
        """The lobby serves these; a person who looks for a fault may open the viewer itself."""
        import server.common.web as web

        folder = pathlib.Path(web.__path__[0]) / "static"
        for name in [file.name for file in folder.iterdir() if file.suffix in (".js", ".css")]:
            self.assertEqual(self.ask("GET", f"/static/{name}")[2], (folder / name).read_bytes(), name)

    def save_and_read(self) -> None:
        words = ["even" if n % 2 == 0 else "odd" for n in range(CELLS)]
        status, headers, body = self.ask("PUT", f"{API}/annotations/obs", encoded({"mine": words}), x_save_id="s1")
        self.assertEqual((status, json.loads(body), headers["x-save-id"]), (200, {"status": "OK"}, "s1"))
        self.assertEqual((self.gate.puts[0].save_id, self.gate.puts[0].body.count(b"\n")), ("s1", CELLS + 1))
        mine = decode_matrix_fbs(self.ask("GET", f"{API}/annotations/obs?annotation-name=mine", accept="*/*")[2])["mine"]
        self.assertEqual(mine.tolist(), words)
        self.gate.refuse = 412
        status, _, body = self.ask("PUT", f"{API}/annotations/obs", encoded({"mine": ["x"] * CELLS}), x_save_id="s2")
        self.assertEqual(status, 412)
        self.assertIn("not saved", json.loads(body)["message"])
        self.gate.refuse = None

    def differential_expression(self) -> None:
        def body(first: int, second: int) -> bytes:
            sets = {"set1": {"filter": {"obs": {"index": [[0, first]]}}}, "set2": {"filter": {"obs": {"index": [[700 - second, 700]]}}}}
            return json.dumps({"mode": "topN", "count": 10, **sets}).encode()

        answer = self.ask("POST", f"{API}/diffexp/obs", body(340, 350), content_type="application/json")
        self.assertEqual(answer[0], 200)
        self.assertEqual(len(json.loads(answer[2])["positive"]), 10)
        status, _, told = self.ask("POST", f"{API}/diffexp/obs", body(400, 350), content_type="application/json")
        self.assertEqual(status, 400)
        self.assertIn("690 cells at most", json.loads(told)["message"])

    def test_told_to_stop_it_answers_what_is_under_way_and_takes_nothing_new(self) -> None:
        viewer = self.start(SAMPLE)
        self.gate.heard("/loaded")
        self.gate.hold.clear()
        answers: list[int] = []
        save = threading.Thread(target=lambda: answers.append(self.ask("PUT", f"{API}/annotations/obs", encoded({"a": ["x"] * CELLS}))[0]))
        save.start()
        with self.gate.changed:
            self.assertTrue(self.gate.changed.wait_for(lambda: len(self.gate.puts) == 1, 60))
        viewer.send_signal(signal.SIGTERM)
        refused = threading.Event()
        for _ in range(1200):
            try:
                Connection(self.listen).connect()
            except OSError:
                refused.set()
                break
            threading.Event().wait(0.05)
        self.assertTrue(refused.is_set(), "new connections are still taken")
        self.assertIsNone(viewer.poll(), "it left with a save under way")
        self.gate.hold.set()
        save.join()
        self.assertEqual(answers, [200])
        self.assertEqual(viewer.wait(60), 0)

    def test_told_to_stop_while_it_waits_for_its_file(self) -> None:
        viewer = self.start(None)
        self.gate.asked(1)
        viewer.send_signal(signal.SIGTERM)
        self.assertEqual(viewer.wait(60), 0)
        self.assertEqual(self.gate.said, [])


class Failing(Running):
    def load_failed(self, path: str) -> str:
        viewer = self.start(path)
        said = self.gate.heard("/failed")
        self.assertEqual(viewer.wait(60), 78)
        self.assertEqual(said["cause"], "load-failed")
        self.assertFalse(os.path.exists(self.listen))
        return str(said["detail"])

    def test_a_file_that_is_no_h5ad(self) -> None:
        path = f"{self.folder}/broken.h5ad"
        pathlib.Path(path).write_bytes(b"not HDF5 at all")
        self.assertRegex(self.load_failed(path), r"File must be an \.h5ad object\..*signature not found")

    def test_a_file_without_an_embedding(self) -> None:
        import h5py

        path = f"{self.folder}/data.h5ad"
        make(path, 50, 20)
        with h5py.File(path, "a") as file:
            del file["obsm/X_umap"]
        self.assertEqual(self.load_failed(path), "No valid layout data.")

    def test_a_file_cut_short(self) -> None:
        path = f"{self.folder}/data.h5ad"
        make(path, 2000, 200)
        os.truncate(path, os.path.getsize(path) // 2)
        self.assertIn("truncated file", self.load_failed(path))

    def test_kept_labels_that_are_no_table(self) -> None:
        path = f"{self.folder}/data.h5ad"
        make(path, 50, 20)
        self.gate.vault["labels"] = b"index,a\nx,1\nx,2\n"
        self.assertIn("name the cell 'x' twice", self.load_failed(path))

    def out_of_memory(self, viewer: subprocess.Popen[bytes]) -> None:
        said = self.gate.heard("/failed")
        self.assertEqual(viewer.wait(60), 77)
        self.assertEqual(said["cause"], "out-of-memory")
        self.assertIn("MiB was not enough", said["detail"])

    def test_memory_that_does_not_hold_the_file(self) -> None:
        path = f"{self.folder}/data.h5ad"
        make(path, 20_000, 2_000, 1.0, "dense")  # 160 MB
        self.out_of_memory(self.start(path, 300))

    def test_memory_that_does_not_hold_an_answer(self) -> None:
        path = f"{self.folder}/data.h5ad"
        make(path, 50, 20)
        viewer = self.start(path, 400)
        self.gate.heard("/loaded")
        bomb = zlib.compress(bytes(1 << 30), 9)
        try:
            self.ask("PUT", f"{API}/annotations/obs", bomb)
        except (http.client.HTTPException, OSError):
            pass
        self.out_of_memory(viewer)

    def test_a_broken_request_costs_only_itself(self) -> None:
        path = f"{self.folder}/data.h5ad"
        make(path, 50, 20)
        viewer = self.start(path)
        self.gate.heard("/loaded")
        for method, what, body in (
            ("PUT", "annotations/obs", b"not deflated"),
            ("PUT", "annotations/obs", encoded({"a": ["x"] * 50})[:-5]),
            ("PUT", "annotations/obs", zlib.compress(b"\xff" * 64)),
            ("PUT", "genesets", b"[]"),
            ("POST", "diffexp/obs", b'{"mode":"topN"}'),
            ("GET", "data/var?var:name_0=Cannot%20allocate%20memory,1", None),
        ):
            status, _, _ = self.ask(method, f"{API}/{what}", body, content_type="application/json", accept="*/*")
            self.assertGreaterEqual(status, 400, what)
        self.assertEqual(self.ask("GET", "/health")[0], 200)
        self.assertIsNone(viewer.poll())
        self.assertNotIn("Cannot allocate", self.logged(), "the words of a request are not logged")
