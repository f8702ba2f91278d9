"""Old and unusual forms of the file itself, all of which cellxgene opens."""

import os

import anndata
import h5py
import numpy as np
import pandas as pd
from scipy import sparse

from .kit import CELLS, base, counts, makes, old_sparse, old_tables, random


@makes
def no_encoding_attributes(path):
    """As anndata 0.6 and some exporters write it: sparse by h5sparse_format, tables as compound data."""
    X = sparse.csr_matrix(counts())
    with h5py.File(path, "w") as file:
        old_sparse(file, "X", X, "csr")
        old_tables(file)


@makes
def old_csc(path):
    with h5py.File(path, "w") as file:
        old_sparse(file, "X", sparse.csc_matrix(counts()), "csc")
        old_tables(file)


@makes
def old_dense(path):
    with h5py.File(path, "w") as file:
        file["X"] = counts()
        old_tables(file)


@makes
def newest_file_format(path):
    """libver latest: superblock version 3, other structures on disk."""
    source = path + ".tmp"
    base().write_h5ad(source)
    with h5py.File(source, "r") as old, h5py.File(path, "w", libver="latest") as new:
        for key in old:
            old.copy(key, new)
        new.attrs.update(old.attrs)
    os.remove(source)


@makes
def with_a_user_block(path):
    source = path + ".tmp"
    base().write_h5ad(source)
    with h5py.File(source, "r") as old, h5py.File(path, "w", userblock_size=1024) as new:
        for key in old:
            old.copy(key, new)
        new.attrs.update(old.attrs)
    os.remove(source)


@makes
def tracked_order(path):
    """Groups that keep the order in which their members were made."""
    with h5py.File(path, "w", track_order=True) as file:
        source = path + ".tmp"
        base().write_h5ad(source)
        with h5py.File(source, "r") as old:
            for key in old:
                if key != "obsm":
                    old.copy(key, file)
            file.attrs.update(old.attrs)
        obsm = file.create_group("obsm", track_order=True)
        obsm.attrs.update({"encoding-type": "dict", "encoding-version": "0.1.0"})
        for name in ["X_zebra", "X_ant", "X_mouse"]:
            obsm[name] = random.random((CELLS, 2))
            obsm[name].attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
        os.remove(source)


@makes
def duplicate_columns_order(path):
    """A table whose order names only some of its columns."""
    adata = base()
    adata.obs["left-out"] = 2**40
    adata.write_h5ad(path)
    with h5py.File(path, "r+") as file:
        file["obs"].attrs["column-order"] = np.array(["kind"], dtype=h5py.string_dtype())


@makes
def one_cell(path):
    base()[:1].copy().write_h5ad(path)


@makes
def nullable_string_names(path):
    adata = base()
    with anndata.settings.override(allow_write_nullable_strings=True):
        adata.obs.index = pd.array([f"n{i}" for i in range(CELLS)], dtype="string")
        adata.obs["word"] = pd.array(["x", None] * (CELLS // 2), dtype="string")
        adata.write_h5ad(path)
