"""
Makes small files that cellxgene can't load, loads each as the viewer does, and prints what the viewer says of it, as JSON.

Usage: python load_failures.py FOLDER
"""

import json
import os
import sys
import warnings

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(here, "../../functions/viewer"), os.path.join(here, "../indexer")]
warnings.filterwarnings("ignore")

import h5py  # noqa: E402
import numpy as np  # noqa: E402
from kinds import broken, contents, formats, matrices, tables  # noqa: E402, F401  each registers its makers
from kinds.kit import CELLS, GENES, base, edit, makers, makes, replace  # noqa: E402

from cxod_viewer import distribution  # noqa: E402

distribution.install()
from cxod_viewer import app, main  # noqa: E402
from cxod_viewer.task_socket import Work  # noqa: E402


@makes
def nothing_drawable(path):
    adata = base()
    adata.obsm["X_umap"][:] = np.nan
    adata.write_h5ad(path)


@makes
def embedding_of_text(path):
    edit(path, lambda file: replace(file, "obsm/X_umap", np.array([[b"a", b"b"]] * CELLS)))


@makes
def matrix_elsewhere(path):
    def change(file):
        del file["X"]
        file["X"] = h5py.ExternalLink("/nowhere/else.h5", "/X")

    edit(path, change)


@makes
def values_elsewhere(path):
    def change(file):
        del file["X"]
        values = file.create_dataset("X", (CELLS, GENES), dtype="f4", external=[("/nowhere/raw", 0, CELLS * GENES * 4)])
        values.attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})

    edit(path, change)


@makes
def forbidden(path):
    base().write_h5ad(path)
    os.chmod(path, 0)


@makes
def absent(path):
    pass


@makes
def kept_labels_twice(path):
    base().write_h5ad(path)


class Gate:
    def __init__(self, name):
        self.name = name

    def read(self, kind):
        return b"index,mine,mine\ncell-1,a,b\n" if self.name == "kept-labels-twice" and kind == "labels" else None


def load(name, path):
    work = {"path": path, "distribution": "normal", "diffexp_cells": 1000, "title": "T", "mode": "annotate", "writable": True}
    app.load(Work(**{key: value for key, value in work.items() if key in Work.__dataclass_fields__}), Gate(name))


def says(name, path):
    try:
        load(name, path)
        return None
    except Exception as error:
        return main._explain(error)


def says_as_nobody(name, path):
    """Root may read everything; nobody may not."""
    if os.getuid() != 0:
        return says(name, path)
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        os.write(writing, json.dumps(says(name, path)).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        return json.loads(answer.read())


folder = sys.argv[1]
os.chmod(folder, 0o711)
said = {}
for name, make in makers.items():
    path = os.path.join(folder, f"{name}.h5ad")
    make(path)
    said[name] = (says_as_nobody if name == "forbidden" else says)(name, path)
print(json.dumps(said))
