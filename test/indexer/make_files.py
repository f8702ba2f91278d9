"""Makes .h5ad files of many kinds and asks the real cellxgene about each, for the indexer's tests.

Usage: python make_files.py FOLDER [SAMPLE.h5ad]    writes FOLDER/*.h5ad and FOLDER/verdicts.json
"""

import hashlib
import json
import os
import shutil
import sys
import warnings

import anndata
import h5py
import numpy as np
import pandas as pd
from scipy import sparse

warnings.filterwarnings("ignore")
CELLS, GENES = 60, 25
folder = sys.argv[1]
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


# usable -------------------------------------------------------------------------------------------------------------


@makes
def plain_csr(path):
    adata = base()
    adata.uns["title"] = "A title of its own"
    adata.write_h5ad(path)


@makes
def plain_csc(path):
    base("csc").write_h5ad(path)


@makes
def plain_dense(path):
    base("dense").write_h5ad(path)


@makes
def float64_csr(path):
    base(sparse.csr_matrix(counts("float64"))).write_h5ad(path)


@makes
def float64_dense(path):
    base(counts("float64")).write_h5ad(path)


@makes
def int64_csr(path):
    base(sparse.csr_matrix(counts("int64"))).write_h5ad(path)


@makes
def int32_dense(path):
    base(counts("int32")).write_h5ad(path)


@makes
def uint16_csr(path):
    base(sparse.csr_matrix(counts("uint16"))).write_h5ad(path)


@makes
def int8_dense(path):
    base(counts("int8", 20)).write_h5ad(path)


@makes
def float16_dense(path):
    base(counts("float16")).write_h5ad(path)


@makes
def bool_dense(path):
    base(counts() > 0).write_h5ad(path)


@makes
def log_normal_dense(path):
    base(np.log1p(counts())).write_h5ad(path)


@makes
def log_normal_csr(path):
    base(sparse.csr_matrix(np.log1p(counts()))).write_h5ad(path)


@makes
def not_finite_values(path):
    X = np.log1p(counts())
    X[0, 0], X[3, 4], X[5, 6] = np.nan, np.inf, -np.inf
    base(X).write_h5ad(path)


@makes
def range_just_24(path):
    X = np.zeros((CELLS, GENES), "float32")
    X[2, 3] = 24
    base(X).write_h5ad(path)


@makes
def sparse_range_is_of_stored_values(path):
    X = np.zeros((CELLS, GENES), "float32")
    X[2, 3], X[4, 5] = 90, 100
    base(sparse.csr_matrix(X)).write_h5ad(path)


@makes
def all_zero_csr(path):
    base(sparse.csr_matrix((CELLS, GENES), dtype="float32")).write_h5ad(path)


@makes
def gzip_csr(path):
    base().write_h5ad(path, compression="gzip")


@makes
def lzf_csr(path):
    base().write_h5ad(path, compression="lzf")


@makes
def lzf_dense(path):
    base("dense").write_h5ad(path, compression="lzf")


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


# refused ------------------------------------------------------------------------------------------------------------


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


# the verdict --------------------------------------------------------------------------------------------------------


def verdict(path):
    """What cellxgene says: it refuses, or what it shows."""
    from server.common.config.app_config import AppConfig
    from server.data_anndata.anndata_adaptor import AnndataAdaptor
    from server.common.utils.data_locator import DataLocator

    config = AppConfig()
    config.update_server_config(app__flask_secret_key="test", single_dataset__datapath=path)
    config.update_dataset_config(user_annotations__enable=False)
    config.update_server_config(app__verbose=True)
    try:
        data = AnndataAdaptor(DataLocator(path), config, config.dataset_config)
        obs_column, var_column = data.parameters["obs_names"], data.parameters["var_names"]
        names = "".join(f"{name}\n" for name in data.data.obs[obs_column])
        schema = data.get_schema()["annotations"]
        # What the page asks first.
        from server.common.constants import Axis

        data.annotation_to_fbs_matrix(Axis.OBS, [schema["obs"]["index"]])
        data.annotation_to_fbs_matrix(Axis.VAR, [schema["var"]["index"]])
        if not any(draws(data, name) for name in data.get_embedding_names()):
            raise ValueError("It opens, but no embedding can be drawn.")
        return {
            "opens": True,
            "cells": data.cell_count,
            "genes": data.gene_count,
            "embeddings": [name for name in data.get_embedding_names() if draws(data, name)],
            "distribution": str(data.X_approximate_distribution),
            "names": hashlib.sha256(names.encode()).hexdigest(),
            "dtype": str(data.data.X.dtype),
            "layout": getattr(data.data.X, "format", "dense"),
            "values": int(data.data.X.nnz if sparse.issparse(data.data.X) else data.data.X.size),
        }
    except BaseException as error:
        cause = [line for line in str(error).strip().splitlines() if line.strip()]
        return {"opens": False, "error": type(error).__name__, "words": " … ".join(cause[:1] + cause[-2:])[:400]}


def draws(data, name):
    """It lists arrays of three dimensions, then fails when the page asks for one."""
    try:
        data.layout_to_fbs_matrix([name])
        return True
    except ValueError:
        return False


verdicts = {}
for name, make in makers.items():
    path = os.path.join(folder, f"{name}.h5ad")
    make(path)
    verdicts[name] = verdict(path)
if len(sys.argv) > 2:
    shutil.copy(sys.argv[2], os.path.join(folder, "sample.h5ad"))
    verdicts["sample"] = verdict(sys.argv[2])
with open(os.path.join(folder, "verdicts.json"), "w") as file:
    json.dump(verdicts, file, indent=1)
