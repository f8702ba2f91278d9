"""What the makers of test files share: a plain file to start from, and ways to spoil it."""

import warnings

import anndata
import h5py
import numpy as np
import pandas as pd
from scipy import sparse

warnings.filterwarnings("ignore")
CELLS, GENES = 60, 25
random = np.random.default_rng(7)
makers = {}


def makes(function):
    """Registers a function that writes one file; its name with dashes is the file's name."""
    makers[function.__name__.replace("_", "-")] = function
    return function


def counts(dtype="float32", top=40):
    dense = random.integers(1, top, (CELLS, GENES)) * (random.random((CELLS, GENES)) < 0.2)
    return dense.astype(dtype)


def base(X="csr", **more):
    made = {"csr": lambda: sparse.csr_matrix(counts()), "csc": lambda: sparse.csc_matrix(counts()), "dense": counts}
    adata = anndata.AnnData(
        X=made[X]() if isinstance(X, str) else X,
        obs=pd.DataFrame({"kind": pd.Categorical(["a", "b"] * (CELLS // 2))}, index=[f"cell-{i}" for i in range(CELLS)]),
        var=pd.DataFrame(index=[f"gene-{i}" for i in range(GENES)]),
        **more,
    )
    adata.obsm["X_umap"] = random.random((CELLS, 2)).astype("float32")
    return adata


def edit(path, change):
    base().write_h5ad(path)
    with h5py.File(path, "r+") as file:
        change(file)


def replace(file, name, data):
    attributes = dict(file[name].attrs) if name in file and isinstance(file[name], h5py.Dataset) else {
        "encoding-type": "array",
        "encoding-version": "0.2.0",
    }
    if name in file:
        del file[name]
    file[name] = data
    file[name].attrs.update(attributes)


def array(file, name, data):
    """Puts a plain array in place of whatever was there."""
    if name in file:
        del file[name]
    file[name] = data
    file[name].attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})


def null(file, name):
    file[name] = h5py.Empty("f")
    file[name].attrs.update({"encoding-type": "null", "encoding-version": "0.1.0"})


def old_sparse(file, name, matrix, layout):
    group = file.create_group(name)
    group.attrs["h5sparse_format"] = layout
    group.attrs["h5sparse_shape"] = matrix.shape
    for part in ("data", "indices", "indptr"):
        group[part] = getattr(matrix, part)


def old_tables(file):
    obs = np.zeros(CELLS, dtype=[("index", "S10"), ("kind", "i1"), ("score", "f4")])
    obs["index"] = [f"cell-{i}".encode() for i in range(CELLS)]
    file["obs"] = obs
    file["uns/kind_categories"] = np.array([b"a", b"b"])
    var = np.zeros(GENES, dtype=[("index", "S10")])
    var["index"] = [f"gene-{i}".encode() for i in range(GENES)]
    file["var"] = var
    obsm = np.zeros(CELLS, dtype=[("X_pca", "f4", (5,)), ("X_umap", "f8", (2,)), ("X_line", "f8", (1,))])
    obsm["X_umap"] = random.random((CELLS, 2))
    file["obsm"] = obsm
