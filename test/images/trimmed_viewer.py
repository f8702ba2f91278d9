"""
`trimmed_viewer.py FOLDER`: makes the tree of the viewer's image from this environment (by hard links, without containers), starts
the viewer from it with nothing else on its path, and does with it what a page does. Prints what it found and its sizes.
"""

from __future__ import annotations

import http.client
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import sysconfig
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / where) for where in ("test/viewer", "functions/viewer", "functions/viewer/image")]
sys.dont_write_bytecode = True

from fake_gate import FakeGate  # noqa: E402
from server.common.fbs.matrix import decode_matrix_fbs  # noqa: E402
from trim import trim  # noqa: E402
from viewer_app import encoded  # noqa: E402

API = "/api/v0.2"


def link_tree(source: pathlib.Path, target: pathlib.Path) -> None:
    shutil.copytree(source, target, copy_function=os.link, symlinks=True)


def make(target: pathlib.Path) -> None:
    site = pathlib.Path(sysconfig.get_path("purelib"))
    link_tree(site, target)
    # As `pip install --target` leaves it: pip itself is not in there.
    for own in [target / "pip", *target.glob("pip-*.dist-info")]:
        shutil.rmtree(own, ignore_errors=True)
    trim(target)
    # What was compiled, where its source is left: compiling it again would take longer than all the rest.
    for compiled in site.rglob("__pycache__"):
        beside = target / compiled.relative_to(site).parent
        if beside.is_dir():
            link_tree(compiled, beside / "__pycache__")
    shutil.copy(ROOT / "functions/viewer/__main__.py", target)
    shutil.copytree(ROOT / "functions/viewer/cxod_viewer", target / "cxod_viewer")


def size_mb(folder: pathlib.Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts) // 1_000_000


class Connection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("viewer", timeout=120)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def use(listen: str) -> None:
    def ask(method: str, path: str, body: Any = None, accept: str = "application/json") -> bytes:
        connection = Connection(listen)
        kind = "application/json" if isinstance(body, str) else "application/octet-stream"
        connection.request(method, f"{API}/{path}", body, {"Accept": accept, "Content-Type": kind})
        answer = connection.getresponse()
        said = answer.read()
        assert answer.status == 200, f"{method} {path}: {answer.status} {said[:300]!r}"
        connection.close()
        return said

    binary = "application/octet-stream"
    schema = json.loads(ask("GET", "schema"))["schema"]
    cells = schema["dataframe"]["nObs"]
    names = schema["annotations"]["var"]["index"]
    assert cells == 700, cells
    assert decode_matrix_fbs(ask("GET", "layout/obs?layout-name=umap", accept=binary)).shape == (cells, 2)
    assert decode_matrix_fbs(ask("GET", "annotations/obs?annotation-name=louvain", accept=binary)).shape == (cells, 1)
    genes = decode_matrix_fbs(ask("GET", f"annotations/var?annotation-name={names}", accept=binary))
    assert "HES4" in set(genes[names])
    assert decode_matrix_fbs(ask("GET", f"data/var?var:{names}=HES4", accept=binary)).shape[0] == cells
    groups = {f"set{n + 1}": {"filter": {"obs": {"index": [[n * 300, n * 300 + 99]]}}} for n in range(2)}
    found = json.loads(ask("POST", "diffexp/obs", json.dumps({"mode": "topN", "count": 10, **groups})))
    assert [len(found[side]) for side in ("positive", "negative")] == [10, 10], found
    ask("PUT", "annotations/obs", encoded({"kind": ["a", "b"] * (cells // 2)}))
    ask("PUT", "genesets", json.dumps({"tid": 1, "genesets": [{"geneset_name": "mine", "geneset_description": "", "genes": []}]}))
    assert any(column["name"] == "kind" for column in json.loads(ask("GET", "schema"))["schema"]["annotations"]["obs"]["columns"])


def main(folder: pathlib.Path) -> None:
    app = folder / "app"
    make(app)
    work = {"path": os.environ["CXOD_TEST_SAMPLE"], "distribution": None, "diffexpCells": 700, "title": "t", "mode": "annotate"}
    with FakeGate(f"{folder}/task.sock", work=work) as gate:
        listen = f"{folder}/viewer.sock"
        # The interpreter below the environment, without any site-packages.
        command = [sys._base_executable, "-I", "-S", "-B", str(app), "--task-socket", gate.path, "--listen", f"unix:{listen}"]  # type: ignore[attr-defined]
        with open(f"{folder}/log", "w") as log:
            viewer = subprocess.Popen(command, env={"CXOD_MEMORY_MIB": "2048"}, stdout=log, stderr=log)
        try:
            gate.heard("/loaded", 120)
            use(listen)
            assert b"kind" in gate.vault["labels"] and b"mine" in gate.vault["genesets"]
            viewer.terminate()
            assert viewer.wait(60) == 0, viewer.returncode
        except BaseException:
            print((folder / "log").read_text()[-3000:], file=sys.stderr)
            raise
        finally:
            viewer.kill()
            viewer.wait()
    print(json.dumps({"plainMB": size_mb(pathlib.Path(sysconfig.get_path("purelib"))), "trimmedMB": size_mb(app)}))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
