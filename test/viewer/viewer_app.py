"""The viewer's application in this process, on a real file and a real gate; and cellxgene's own, to compare with."""

from __future__ import annotations

import os
import tempfile
import unittest
import zlib
from typing import Any

import anndata
import numpy as np
import pandas as pd
from fake_gate import FakeGate
from server.app.app import Server
from server.common.config.app_config import AppConfig
from server.common.fbs.matrix import decode_matrix_fbs, encode_matrix_fbs

from cxod_viewer import app as viewer
from cxod_viewer.task_socket import TaskSocket, Work

ACCEPT = {"Accept": "application/octet-stream, application/json"}
API = "/api/v0.2"


def write_file(path: str, cells: list[str], obs: dict[str, Any] | None = None, genes: list[str] | None = None) -> None:
    """A small dataset with these cells, columns and genes."""
    genes = genes or [f"gene{n}" for n in range(5)]
    rng = np.random.default_rng(0)
    anndata.AnnData(
        X=rng.random((len(cells), len(genes)), dtype=np.float32),
        obs=pd.DataFrame({"depth": np.arange(len(cells)), **(obs or {})}, index=pd.Index(cells)),
        var=pd.DataFrame(index=pd.Index(genes)),
        obsm={"X_umap": rng.random((len(cells), 2), dtype=np.float32)},
    ).write_h5ad(path)


def encoded(labels: dict[str, Any]) -> bytes:
    """Body of a save, by cellxgene's own encoder. No columns: what the page sends when the last category is deleted."""
    frame = pd.DataFrame(labels)
    return zlib.compress(bytes(encode_matrix_fbs(frame, col_idx=frame.columns)))


class Client:
    """What the page asks, of either application."""

    def __init__(self, flask: Any) -> None:
        self.http = flask.test_client()

    def save(self, labels: dict[str, Any], save_id: str | None = None) -> Any:
        headers = {"x-save-id": save_id} if save_id else {}
        return self.http.put(f"{API}/annotations/obs", data=encoded(labels), headers=headers)

    def writable(self) -> dict[str, Any]:
        columns = self.http.get(f"{API}/schema").json["schema"]["annotations"]["obs"]["columns"]
        return {column["name"]: column for column in columns if column["writable"]}

    def labels(self, *names: str) -> dict[str, list[Any]]:
        query = "&".join(f"annotation-name={name}" for name in names)
        answer = self.http.get(f"{API}/annotations/obs?{query}", headers=ACCEPT)
        assert answer.status_code == 200, answer.data
        return {name: column.astype(object).tolist() for name, column in decode_matrix_fbs(answer.data).items()}

    def gene_sets(self) -> Any:
        return self.http.get(f"{API}/genesets", headers={"Accept": "application/json"}).json

    def save_gene_sets(self, sets: list[dict[str, Any]], tid: int = 1) -> Any:
        return self.http.put(f"{API}/genesets", json={"tid": tid, "genesets": sets})


class WithGate(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.gate = FakeGate(f"{folder.name}/task.sock")
        self.enterContext(self.gate) if hasattr(self, "enterContext") else self._enter(self.gate)
        self.errors: list[BaseException] = []

    def _enter(self, gate: FakeGate) -> None:  # Python 3.10
        gate.__enter__()
        self.addCleanup(gate.__exit__)

    def file(self, cells: list[str], **more: Any) -> str:
        path = os.path.join(self.folder, f"data{len(os.listdir(self.folder))}.h5ad")
        write_file(path, cells, **more)
        return path

    def open(self, path: str, writable: bool = True) -> Client:
        """A viewer that has just started, as after a relaunch."""
        task = TaskSocket(self.gate.path, patience=0.2)
        config = viewer.load(Work(path, "normal", 1000, "title", writable), task)
        return Client(viewer.create_app(config, self.errors.append))

    def open_cellxgene(self, path: str) -> Client:
        """cellxgene with its own annotations, on files beside the data."""
        config = AppConfig()
        config.update_server_config(single_dataset__datapath=path, app__flask_secret_key="x", app__host="127.0.0.1")
        config.update_dataset_config(
            user_annotations__local_file_csv__file=f"{path}.labels.csv",
            user_annotations__local_file_csv__gene_sets_file=f"{path}.genesets.csv",
            X_approximate_distribution="normal",
        )
        config.complete_config()
        return Client(Server(config).app)
