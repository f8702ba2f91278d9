"""X in many forms that cellxgene opens."""

import numpy as np
from scipy import sparse

from .kit import CELLS, GENES, base, counts, makes


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
