"""Names, columns and embeddings in many forms."""

import h5py
import numpy as np
import pandas as pd
from scipy import sparse

from .kit import CELLS, GENES, array, base, counts, edit, makes, random, replace


@makes
def raw_and_layers(path):
    adata = base()
    adata.raw = adata
    adata.layers["counts"] = sparse.csr_matrix(counts("int32"))
    adata.layers["dense"] = counts()
    adata.obsp["distances"] = sparse.random(CELLS, CELLS, 0.1, "csr")
    adata.varm["PCs"] = random.random((GENES, 5))
    adata.write_h5ad(path)


@makes
def many_embeddings(path):
    adata = base()
    for name in ["X_pca", "X_tsne", "X_Umap", "X_a b", "X_ä"]:
        adata.obsm[name] = random.random((CELLS, 7))
    adata.obsm["spatial"] = random.random((CELLS, 2))
    adata.obsm["X_one"] = random.random((CELLS, 1))
    adata.obsm["X_whole"] = random.integers(0, 9, (CELLS, 3))
    adata.obsm["X_bool"] = random.random((CELLS, 2)) > 0.5
    adata.obsm["X_sparse"] = sparse.csr_matrix(random.random((CELLS, 2)))
    adata.obsm["X_cube"] = random.random((CELLS, 2, 3))
    infinite = random.random((CELLS, 2))
    infinite[3, 1] = np.inf
    adata.obsm["X_infinite"] = infinite
    far = random.random((CELLS, 5))
    far[3, 4] = -np.inf
    adata.obsm["X_infinite_further_on"] = far
    adata.obsm["X_nan"] = np.full((CELLS, 2), np.nan)
    some = random.random((CELLS, 2))
    some[4] = np.nan
    adata.obsm["X_some_nan"] = some
    adata.write_h5ad(path)


@makes
def more_than_30_embeddings(path):
    adata = base()
    for i in range(40):
        adata.obsm[f"X_e{i}"] = random.random((CELLS, 2))
    adata.write_h5ad(path)


@makes
def categorical_index(path):
    adata = base()
    adata.write_h5ad(path)
    with h5py.File(path, "r+") as file:
        names = file["obs/_index"][()]
        del file["obs/_index"]
        index = file["obs"].create_group("_index")
        index.attrs.update({"encoding-type": "categorical", "encoding-version": "0.2.0", "ordered": False})
        index["codes"] = np.arange(CELLS, dtype="int8")[::-1]
        index["codes"].attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
        index.create_dataset("categories", data=names, dtype=h5py.string_dtype())
        index["categories"].attrs.update({"encoding-type": "string-array", "encoding-version": "0.2.0"})


@makes
def named_index(path):
    adata = base()
    adata.obs.index.name, adata.var.index.name = "barcode", "symbol"
    adata.write_h5ad(path)


@makes
def names_beyond_ascii(path):
    adata = base()
    adata.obs_names = [f"zelle-ä-{i}-細胞" for i in range(CELLS)]
    adata.write_h5ad(path)


@makes
def fixed_length_names(path):
    def change(file):
        for axis, n in (("obs", CELLS), ("var", GENES)):
            del file[axis]["_index"]
            file[axis]["_index"] = np.array([f"{axis}{i}".encode() for i in range(n)])

    edit(path, change)


@makes
def numbers_as_names(path):
    edit(path, lambda file: replace(file, "obs/_index", np.arange(CELLS) * 7))


@makes
def columns_of_many_kinds(path):
    adata = base()
    adata.obs["yes"] = pd.array([True, None] * (CELLS // 2), dtype="boolean")
    adata.obs["text"] = ["x"] * (CELLS - 1) + ["y"]
    adata.obs["number"] = np.arange(CELLS)
    adata.obs["real"] = np.linspace(0, 1, CELLS)
    adata.obs["flag"] = [True, False] * (CELLS // 2)
    adata.obs["gaps"] = pd.Categorical([1, np.nan, 3] * (CELLS // 3))
    adata.write_h5ad(path)


@makes
def whole_numbers_as_names(path):
    edit(path, lambda file: array(file, "obs/_index", np.arange(CELLS) * 7))


@makes
def big_endian(path):
    def change(file):
        array(file, "X", counts().astype(">f4"))
        array(file, "obsm/X_umap", random.random((CELLS, 2)).astype(">f8"))
        array(file, "obs/kind", np.arange(CELLS).astype(">i8"))

    base("dense").write_h5ad(path)
    with h5py.File(path, "r+") as file:
        change(file)


@makes
def table_in_varm(path):
    adata = base()
    adata.varm["loadings"] = pd.DataFrame(random.random((GENES, 2)), index=adata.var_names, columns=["a", "b"])
    adata.write_h5ad(path)


@makes
def raw_with_more_genes(path):
    adata = base()
    adata.raw = adata
    adata[:, :10].copy().write_h5ad(path)


@makes
def large_categories(path):
    adata = base()
    adata.obs["batch"] = pd.Categorical([2**40, 2**41] * (CELLS // 2))
    adata.write_h5ad(path)


@makes
def large_categories_with_gaps(path):
    adata = base()
    adata.obs["batch"] = pd.Categorical([2**40, np.nan] * (CELLS // 2))
    adata.write_h5ad(path)


@makes
def integers_at_the_edge(path):
    adata = base()
    adata.obs["edge"] = np.full(CELLS, 2**31 - 1, "int64")
    adata.obs["low"] = np.full(CELLS, -(2**31), "int64")
    adata.obs["unsigned"] = np.full(CELLS, 2**31 - 1, "uint32")
    adata.write_h5ad(path)
