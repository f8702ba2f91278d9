"""
Makes .h5ad files of any size for tests and benchmarks, the same bytes of data for the same arguments.

100,000 × 20,000 at 5 % (100 M values, 800 MB) takes about 10 s and little memory: values are drawn and written block by block.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import anndata
import h5py
import numpy as np
import numpy.typing as npt
import pandas as pd

Ints = npt.NDArray[np.int64]
Random = np.random.Generator

CLUSTERS = 8
BLOCK = 2_000_000


def _lines(lines: int, width: int, density: float, rng: Random) -> Iterator[tuple[int, npt.NDArray[np.bool_], Ints]]:
    """Sorted random positions on each line, by random gaps; blocks of (first line, which positions are real, positions)."""
    widest = max(1, round(2 / density) - 1)
    draws = int(width * density * 1.3) + 8
    for first in range(0, lines, max(1, BLOCK // draws)):
        count = min(max(1, BLOCK // draws), lines - first)
        positions = np.cumsum(rng.integers(1, widest + 1, size=(count, draws), dtype=np.int64), axis=1) - 1
        yield first, positions < width, positions


def _values(cells: Ints, genes: Ints, kind: str, rng: Random) -> npt.NDArray[np.float32]:
    """Small counts, higher where the gene marks the cell's cluster; `normal` is their log1p."""
    counts = rng.integers(1, 5, size=cells.size, dtype=np.int32)
    counts += np.where(genes % (2 * CLUSTERS) == cells % CLUSTERS, 20 if kind == "count" else 6, 0).astype(np.int32)
    return counts.astype(np.float32) if kind == "count" else np.log1p(counts, dtype=np.float32)


def _write_sparse(
    file: h5py.File, cells: int, genes: int, density: float, layout: str, kind: str, rng: Random
) -> None:
    group = file.create_group("X")
    group.attrs.update({"encoding-type": f"{layout}_matrix", "encoding-version": "0.1.0", "shape": np.array([cells, genes])})
    lines, width = (cells, genes) if layout == "csr" else (genes, cells)
    data = group.create_dataset("data", shape=(0,), maxshape=(None,), dtype="f4", chunks=(1 << 18,))
    indices = group.create_dataset("indices", shape=(0,), maxshape=(None,), dtype="i4", chunks=(1 << 18,))
    indptr = np.zeros(lines + 1, dtype=np.int64)
    total = 0
    for first, real, positions in _lines(lines, width, density, rng):
        per_line = real.sum(axis=1)
        across = positions[real]
        along = np.repeat(np.arange(first, first + per_line.size), per_line)
        values = _values(along, across, kind, rng) if layout == "csr" else _values(across, along, kind, rng)
        for dataset, block in ((data, values), (indices, across)):
            dataset.resize((total + across.size,))
            dataset[total:] = block
        indptr[first + 1 : first + 1 + per_line.size] = total + np.cumsum(per_line)
        total += across.size
    group.create_dataset("indptr", data=indptr.astype(np.int32) if total < 2**31 else indptr)


def make(
    path: str, cells: int, genes: int, density: float = 0.05, layout: str = "csr", kind: str = "normal", seed: int = 1
) -> None:
    """
    :param layout: `csr`, `csc` or `dense`
    :param kind: `count` (integers, range above 24) or `normal` (their log1p)
    """
    rng = np.random.default_rng(seed)
    clusters = np.arange(cells) % CLUSTERS
    obs = pd.DataFrame(
        {
            "cluster": pd.Categorical([f"cluster {n}" for n in clusters]),
            "depth": rng.random(cells, dtype=np.float32),
            "batch": (np.arange(cells) % 3).astype(np.int32),
        },
        index=pd.Index([f"cell-{n:07d}" for n in range(cells)]),
    )
    var = pd.DataFrame(index=pd.Index([f"gene-{n:05d}" for n in range(genes)]))
    angle = clusters * (2 * np.pi / CLUSTERS)
    umap = np.stack([np.cos(angle), np.sin(angle)], axis=1) * 5 + rng.standard_normal((cells, 2))
    anndata.AnnData(obs=obs, var=var, obsm={"X_umap": umap.astype(np.float32)}).write_h5ad(path)
    with h5py.File(path, "a") as file:
        if "X" in file:
            del file["X"]
        if layout != "dense":
            _write_sparse(file, cells, genes, density, layout, kind, rng)
            return
        dense = file.create_dataset("X", shape=(cells, genes), dtype="f4")
        dense.attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
        for first, real, positions in _lines(cells, genes, density, rng):
            rows = np.repeat(np.arange(real.shape[0]), real.sum(axis=1))
            block = np.zeros((real.shape[0], genes), dtype=np.float32)
            block[rows, positions[real]] = _values(rows + first, positions[real], kind, rng)
            dense[first : first + block.shape[0]] = block


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path")
    parser.add_argument("--cells", type=int, default=100_000)
    parser.add_argument("--genes", type=int, default=20_000)
    parser.add_argument("--density", type=float, default=0.05)
    parser.add_argument("--layout", choices=["csr", "csc", "dense"], default="csr")
    parser.add_argument("--kind", choices=["normal", "count"], default="normal")
    parser.add_argument("--seed", type=int, default=1)
    make(**vars(parser.parse_args()))
