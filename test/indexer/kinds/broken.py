"""Files that are damaged, no AnnData, or of a form that cellxgene does not know."""

import os

import h5py
import numpy as np
from scipy import sparse

from .kit import CELLS, GENES, base, counts, edit, makes, random, replace


@makes
def unknown_encoding(path):
    edit(path, lambda file: file["obs/kind"].attrs.__setitem__("encoding-version", "9.9.9"))


@makes
def unknown_encoding_in_uns(path):
    def change(file):
        file["uns/thing"] = 1
        file["uns/thing"].attrs.update({"encoding-type": "hologram", "encoding-version": "0.1.0"})

    edit(path, change)


@makes
def unknown_encoding_of_matrix(path):
    edit(path, lambda file: file["X"].attrs.__setitem__("encoding-type", "coo_matrix"))


@makes
def unknown_root_member(path):
    edit(path, lambda file: file.create_group("extras"))


@makes
def no_obs(path):
    edit(path, lambda file: file.__delitem__("obs"))


@makes
def no_var(path):
    edit(path, lambda file: file.__delitem__("var"))


@makes
def obs_too_short(path):
    def change(file):
        replace(file, "obs/_index", np.array([f"c{i}".encode() for i in range(CELLS - 5)]))

    edit(path, change)


@makes
def layer_of_another_shape(path):
    adata = base()
    adata.layers["counts"] = sparse.csr_matrix(counts())
    adata.write_h5ad(path)
    with h5py.File(path, "r+") as file:
        replace(file, "layers/counts", counts()[:-1])


@makes
def flat_matrix(path):
    edit(path, lambda file: replace(file, "X", np.arange(5.0)))


@makes
def another_hdf5(path):
    with h5py.File(path, "w") as file:
        file["measurements"] = np.arange(100)


@makes
def ten_x(path):
    """What Cell Ranger writes, renamed."""
    with h5py.File(path, "w") as file:
        matrix = file.create_group("matrix")
        matrix["barcodes"] = np.array([b"AAA-1", b"CCC-1"])
        matrix["data"], matrix["indices"], matrix["indptr"] = [1, 2], [0, 1], [0, 1, 2]
        matrix["shape"] = [GENES, 2]


@makes
def loom_like(path):
    with h5py.File(path, "w") as file:
        file["matrix"] = counts()
        for name in ("row_attrs", "col_attrs", "layers"):
            file.create_group(name)


@makes
def empty_hdf5(path):
    h5py.File(path, "w").close()


@makes
def text_file(path):
    with open(path, "w") as file:
        file.write("cell,gene,value\n" * 100)


@makes
def empty_file(path):
    open(path, "w").close()


@makes
def cut_short(path):
    base().write_h5ad(path)
    os.truncate(path, os.path.getsize(path) // 2)


@makes
def cut_by_one_byte(path):
    base().write_h5ad(path)
    os.truncate(path, os.path.getsize(path) - 1)


@makes
def damaged_inside(path):
    base().write_h5ad(path)
    with open(path, "r+b") as file:
        file.seek(600)
        file.write(random.bytes(os.path.getsize(path) - 800))
