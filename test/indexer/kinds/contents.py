"""Files whose content cellxgene refuses."""

import h5py
import numpy as np
import pandas as pd
from scipy import sparse

from .kit import CELLS, GENES, array, base, counts, edit, makes, null, random, replace


@makes
def no_obsm(path):
    adata = base()
    del adata.obsm["X_umap"]
    adata.write_h5ad(path)


@makes
def no_usable_embedding(path):
    adata = base()
    del adata.obsm["X_umap"]
    adata.obsm["X_one"] = random.random((CELLS, 1))
    adata.obsm["spatial"] = random.random((CELLS, 2))
    adata.write_h5ad(path)


@makes
def flat_embedding(path):
    def change(file):
        replace(file, "obsm/X_flat", random.random(CELLS))

    edit(path, change)


@makes
def only_a_cube(path):
    adata = base()
    adata.obsm["X_umap"] = random.random((CELLS, 2, 3))
    adata.write_h5ad(path)


@makes
def short_embedding(path):
    edit(path, lambda file: replace(file, "obsm/X_umap", random.random((CELLS - 1, 2))))


@makes
def duplicate_cells(path):
    adata = base()
    adata.obs_names = ["same", "same"] + [f"c{i}" for i in range(CELLS - 2)]
    adata.write_h5ad(path)


@makes
def duplicate_genes(path):
    adata = base()
    adata.var_names = ["same", "same"] + [f"g{i}" for i in range(GENES - 2)]
    adata.write_h5ad(path)


@makes
def no_cells(path):
    base()[:0].copy().write_h5ad(path)


@makes
def no_genes(path):
    base()[:, :0].copy().write_h5ad(path)


@makes
def no_matrix(path):
    adata = base()
    adata.X = None
    adata.write_h5ad(path)


@makes
def no_matrix_null(path):
    edit(path, lambda file: (file.__delitem__("X"), null(file, "X")))


@makes
def integers_too_large_in_obs(path):
    adata = base()
    adata.obs["identifier"] = 2**40
    adata.write_h5ad(path)


@makes
def integers_too_large_in_var(path):
    adata = base()
    adata.var["identifier"] = np.full(GENES, 2**31, "uint32")
    adata.write_h5ad(path)


@makes
def nullable_integers(path):
    adata = base()
    adata.obs["whole"] = pd.array([1, None] * (CELLS // 2), dtype="Int64")
    adata.write_h5ad(path)


@makes
def nullable_integers_in_var(path):
    adata = base()
    adata.var["whole"] = pd.array([1] * GENES, dtype="Int8")
    adata.write_h5ad(path)


@makes
def table_in_obsm(path):
    adata = base()
    adata.obsm["scores"] = pd.DataFrame(random.random((CELLS, 2)), index=adata.obs_names, columns=["a", "b"])
    adata.write_h5ad(path)


@makes
def zstd_without_a_reader(path):
    """A filter that h5py has only with a plugin."""
    def change(file):
        attributes, data = dict(file["X"].attrs), counts()
        del file["X"]
        create = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        create.set_chunk((CELLS, GENES))
        create.set_filter(32015, h5py.h5z.FLAG_OPTIONAL, ())
        space, kind = h5py.h5s.create_simple((CELLS, GENES)), h5py.h5t.NATIVE_FLOAT
        h5py.h5d.create(file.id, b"X", kind, space, create).write_direct_chunk((0, 0), data.tobytes(), 0)
        file["X"].attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})

    edit(path, change)


@makes
def broken_link(path):
    edit(path, lambda file: file["uns"].__setitem__("lost", h5py.SoftLink("/not/there")))


@makes
def table_lists_a_missing_column(path):
    edit(path, lambda file: file["obs"].__delitem__("kind"))


@makes
def column_of_another_length(path):
    edit(path, lambda file: array(file, "obs/kind", np.arange(CELLS - 1)))


@makes
def short_varm(path):
    adata = base()
    adata.varm["PCs"] = random.random((GENES, 3))
    adata.write_h5ad(path)
    with h5py.File(path, "r+") as file:
        array(file, "varm/PCs", random.random((GENES - 1, 3)))


@makes
def awkward(path):
    def change(file):
        group = file["uns"].create_group("list")
        group.attrs.update({"encoding-type": "awkward-array", "encoding-version": "0.1.0", "form": "{}", "length": 0})

    edit(path, change)


@makes
def nullable_too_large(path):
    adata = base()
    adata.obs["identifier"] = pd.array([2**40, None] * (CELLS // 2), dtype="Int64")
    adata.write_h5ad(path)


@makes
def int64_values_too_large(path):
    X = counts("int64")
    X[3, 3] = 2**35
    base(X).write_h5ad(path)


@makes
def int64_csr_values_too_large(path):
    X = counts("int64")
    X[3, 3] = -(2**35)
    base(sparse.csr_matrix(X)).write_h5ad(path)


@makes
def complex_values(path):
    edit(path, lambda file: replace(file, "X", counts("complex64")))


@makes
def text_as_matrix(path):
    edit(path, lambda file: replace(file, "X", np.full((CELLS, GENES), b"x")))
