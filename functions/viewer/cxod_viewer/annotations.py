"""
cellxgene's annotations, kept by the vault: nothing on this machine's disk, nothing remembered that is not durable.

In place of cellxgene's `AnnotationsLocalFile`, which joins labels to cells by row, caches what it could not write, and refuses a
repeated save of gene sets.
"""

from __future__ import annotations

import threading
from typing import Any

import pandas as pd
from flask import has_request_context, request
from server.common.annotations.annotations import Annotations
from werkzeug.exceptions import HTTPException

from . import gene_sets, labels
from .task_socket import Kind, SaveRefused, TaskSocket

# The gate's own number of a save, so that it knows which of its requests the content belongs to.
SAVE_ID = "x-save-id"


class NotSaved(HTTPException):
    """Makes an answer that the page takes for a failed save: it goes on saying "Unsaved" and tries again."""

    def __init__(self, refused: SaveRefused) -> None:
        super().__init__(str(refused))
        self.code = refused.status


class VaultAnnotations(Annotations):  # type: ignore[misc]
    def __init__(self, task: TaskSocket, adaptor: Any, writable: bool) -> None:
        # Asked before every save: without them cellxgene answers 501 and never comes to this class.
        super().__init__({"user-annotations": writable, "genesets-save": writable})
        self._writable = writable
        self._task = task
        self._adaptor = adaptor
        # One save at a time: the order in the vault is the order in which this class remembers. Reads never wait for it.
        self._saving = threading.Lock()
        self._cells = pd.Index(adaptor.get_obs_index().astype(str), dtype=object)
        self._header = str(adaptor.get_obs_index().name or "index")
        self._genes: set[str] = set(adaptor.query_var_array(adaptor.parameters["var_names"]))
        self._labels = labels.empty(self._cells)
        self._sets = gene_sets.KeptSets({}, {})

    def reload(self, kind: Kind) -> None:
        """Reads what the vault keeps now: at the start, and when a restore or an upload changed it."""
        with self._saving:
            body = self._task.read(kind) or b""
            if kind == "labels":
                self._labels = labels.parse(body, self._cells, set(self._adaptor.get_obs_columns()))
            else:
                self._sets = gene_sets.parse(body, self._genes)

    def read_labels(self, data_adaptor: Any) -> pd.DataFrame:
        return self._labels.labels

    def write_labels(self, df: pd.DataFrame, data_adaptor: Any) -> None:
        with self._saving:
            new = labels.replace(self._labels, df, self._cells)
            self._save("labels", labels.render(new, self._header))
            self._labels = new

    def read_gene_sets(self, data_adaptor: Any, context: Any = None) -> tuple[dict[str, gene_sets.GeneSet], int]:
        # The transaction id is the page's affair: which save came last is decided by the vault's base.
        return self._sets.sets, 0

    def write_gene_sets(self, gs: Any, tid: Any, data_adaptor: Any) -> None:
        checked = data_adaptor.check_new_gene_sets(gs)
        by_name = checked if isinstance(checked, dict) else {one["geneset_name"]: one for one in checked}
        with self._saving:
            new = gene_sets.replace(self._sets, by_name)
            self._save("genesets", gene_sets.render(new))
            self._sets = new

    def is_safe_collection_name(self, name: str | None) -> bool:
        return True  # no file is named after it

    def set_collection(self, name: str) -> None:
        pass

    def update_parameters(self, parameters: dict[str, Any], data_adaptor: Any) -> None:
        """What the page reads to show writable labels without asking for the name of a collection first."""
        parameters.update(
            {
                "annotations": self._writable,
                "annotations_genesets_readonly": not self._writable,
                "annotations_genesets_name_is_read_only": True,
                "user_annotation_collection_name_enabled": False,
                "annotations-data-collection-is-read-only": True,
                "annotations-data-collection-name": "annotations",
                "annotations-user-data-idhash": "",
            }
        )

    def _save(self, kind: Kind, body: bytes) -> None:
        save_id = request.headers.get(SAVE_ID) if has_request_context() else None
        try:
            self._task.save(kind, body, save_id)
        except SaveRefused as refused:
            raise NotSaved(refused) from refused
