"""Differential expression in one pass gives what cellxgene's own code gives, for every kind of matrix and group."""

from __future__ import annotations

import tempfile
import tracemalloc
import unittest
from typing import Any
from unittest import mock

import anndata
import numpy as np
from make_data import make
from scipy import sparse
from server.common.compute import diffexp_generic as original
from server.common.config.app_config import AppConfig
from server.common.constants import XApproximateDistribution as Distribution
from server.common.utils.data_locator import DataLocator
from server.data_anndata.anndata_adaptor import AnndataAdaptor
from werkzeug.exceptions import BadRequest

from cxod_viewer import diffexp
from cxod_viewer.adaptor import Adaptor

KINDS = (Distribution.NORMAL, Distribution.COUNT)
LAYOUTS = ("dense", "dense-by-column", "csr", "csc")


def matrix(cells: int, genes: int, density: float, rng: np.random.Generator, dtype: Any = np.float64) -> Any:
    values = rng.gamma(2.0, 2.0, (cells, genes)) * (rng.random((cells, genes)) < density)
    return values.astype(dtype)


def laid_out(values: Any, layout: str) -> Any:
    if layout == "dense":
        return np.ascontiguousarray(values)
    if layout == "dense-by-column":
        return np.asfortranarray(values)
    return sparse.csr_matrix(values).asformat(layout)


def masks(cells: int) -> dict[str, list[Any]]:
    at = np.arange(cells)
    return {
        "halves": [at < cells // 2, at >= cells // 2],
        "scattered": [at % 3 == 0, at % 5 == 1],
        "overlapping": [at < cells * 2 // 3, at > cells // 3],
        "the same": [at % 2 == 0, at % 2 == 0],
        "all and some": [at >= 0, at % 7 == 0],
        "one cell": [at == cells // 2, at != cells // 2],
        "two cells": [(at == 0) | (at == cells - 1), at % 2 == 1],
    }


class AsCellxgene(unittest.TestCase):
    def compare(self, data: Any, groups: list[Any], kind: Distribution, rtol: float = 1e-9, atol: float = 1e-12) -> None:
        with np.errstate(all="ignore"):
            theirs = [original.mean_var_n(data[group], kind) for group in groups]
        for own, (mean, var, cells) in zip(diffexp.group_moments(data, groups, kind == Distribution.COUNT), theirs):
            own_mean, own_var, own_cells = own.mean_var_n()
            self.assertEqual(own_cells, cells)
            np.testing.assert_allclose(own_mean, mean, rtol=rtol, atol=atol)
            np.testing.assert_allclose(own_var, var, rtol=rtol, atol=atol)

    def test_every_layout_kind_and_group(self) -> None:
        values = matrix(90, 40, 0.3, np.random.default_rng(1))
        for block in (diffexp.BLOCK, 37):  # one block, and many that have to be merged
            for layout in LAYOUTS:
                for name, groups in masks(90).items():
                    for kind in KINDS:
                        with self.subTest(block=block, layout=layout, groups=name, kind=kind), mock.patch.object(diffexp, "BLOCK", block):
                            self.compare(laid_out(values, layout), groups, kind)

    def test_float32_as_read_from_files(self) -> None:
        values = matrix(300, 50, 0.2, np.random.default_rng(2), np.float32)
        for layout in LAYOUTS:
            for kind in KINDS:
                with self.subTest(layout=layout, kind=kind):
                    self.compare(laid_out(values, layout), masks(300)["halves"], kind, rtol=1e-4, atol=1e-5)

    def test_random_shapes(self) -> None:
        rng = np.random.default_rng(3)
        for number in range(60):
            cells, genes = int(rng.integers(2, 60)), int(rng.integers(1, 60))
            values = matrix(cells, genes, float(rng.random()), rng)
            groups = [rng.random(cells) < rng.random() for _ in range(2)]
            groups[0][rng.integers(cells)] = groups[1][rng.integers(cells)] = True
            layout, kind, block = LAYOUTS[number % 4], KINDS[number // 4 % 2], int(rng.integers(1, 200))
            with self.subTest(number=number, layout=layout, kind=kind), mock.patch.object(diffexp, "BLOCK", block):
                self.compare(laid_out(values, layout), groups, kind)

    def test_values_that_are_not_finite_inside_and_outside_the_groups(self) -> None:
        values = matrix(30, 12, 0.8, np.random.default_rng(4))
        for cell, gene, value in ((0, 0, np.nan), (1, 1, np.inf), (2, 2, -np.inf), (3, 3, -3.0), (29, 4, np.nan), (28, 5, np.inf)):
            values[cell, gene] = value
        at = np.arange(30)
        for block in (diffexp.BLOCK, 37):
            for layout in LAYOUTS:
                for kind in KINDS:
                    for groups in ([at < 10, (at >= 10) & (at < 25)], [at < 15, at >= 15], [at == 0, at == 29]):
                        with self.subTest(block=block, layout=layout, kind=kind), mock.patch.object(diffexp, "BLOCK", block):
                            self.compare(laid_out(values, layout), groups, kind)

    def test_entries_stored_twice_or_out_of_order_count_once(self) -> None:
        rng = np.random.default_rng(5)
        rows, columns = rng.integers(0, 40, 900), rng.integers(0, 25, 900)  # many fall on the same place
        for layout in ("csr", "csc"):
            along, across, shape = (rows, columns, 41) if layout == "csr" else (columns, rows, 26)
            order = np.argsort(along, kind="stable")
            indptr = np.searchsorted(along[order], np.arange(shape))
            make_matrix = sparse.csr_matrix if layout == "csr" else sparse.csc_matrix
            values = rng.gamma(2.0, 2.0, 900)
            for kind in KINDS:
                data = make_matrix((values.copy(), across[order].copy(), indptr), shape=(40, 25))
                self.assertFalse(data.has_canonical_format)
                before = data.toarray()
                with self.subTest(layout=layout, kind=kind):
                    self.compare(data, masks(40)["overlapping"], kind)
                    diffexp.group_moments(data, masks(40)["halves"], kind == Distribution.COUNT)
                    np.testing.assert_array_equal(data.toarray(), before, "the matrix itself is left as it is")

    def test_variance_survives_a_mean_far_from_zero(self) -> None:
        values = 1e8 + np.random.default_rng(6).random((200, 5))
        groups = masks(200)["halves"]
        for layout in LAYOUTS:
            with self.subTest(layout=layout), mock.patch.object(diffexp, "BLOCK", 64):
                own = diffexp.group_moments(laid_out(values, layout), groups, False)[0].mean_var_n()[1]
                np.testing.assert_allclose(own, values[:100].var(axis=0, ddof=1), rtol=1e-5)

    def test_memory_is_that_of_a_few_blocks(self) -> None:
        data = sparse.random(20_000, 2_000, 0.05, "csr", np.float32, np.random.default_rng(7))  # dense: 320 MB in float64
        for layout in ("csr", "csc"):
            turned = data.asformat(layout)
            tracemalloc.start()
            diffexp.group_moments(turned, masks(20_000)["halves"], True)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            self.assertLess(peak, 90 << 20, layout)


class ThroughTheAdaptor(unittest.TestCase):
    """Our adaptor beside cellxgene's on the same file, in memory and backed by the file."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = f"{folder.name}/data.h5ad"

    def open(self, kind: str, backed: bool, most: int | None = None) -> tuple[Any, Any]:
        config = AppConfig()
        config.update_server_config(adaptor__anndata_adaptor__backed=backed, limits__diffexp_cellcount_max=most)
        config.update_dataset_config(X_approximate_distribution=kind)
        return Adaptor(DataLocator(self.path), config), AnndataAdaptor(DataLocator(self.path), config)

    def test_the_same_genes_in_the_same_order(self) -> None:
        for layout in ("dense", "csr", "csc"):
            for kind in ("normal", "count"):
                make(self.path, 240, 300, 0.4, layout, kind)
                for backed in (False, True):
                    ours, theirs = self.open(kind, backed)
                    for name, (first, second) in masks(240).items():
                        # A group of one against the rest has genes that tie: there is no order to compare.
                        if name in ("one cell", "two cells", "the same"):
                            continue
                        with self.subTest(layout=layout, kind=kind, backed=backed, groups=name):
                            self.same(ours.compute_diffexp_ttest(first, second, 10), theirs.compute_diffexp_ttest(first, second, 10))
                    if backed:
                        ours.data.file.close()
                        theirs.data.file.close()

    def same(self, ours: Any, theirs: Any) -> None:
        for side in ("positive", "negative"):
            self.assertEqual([row[0] for row in ours[side]], [row[0] for row in theirs[side]])
            np.testing.assert_allclose(
                np.array(ours[side], float)[:, 1:], np.array(theirs[side], float)[:, 1:], rtol=2e-3, atol=1e-6
            )

    def test_backed_files_are_read_block_by_block(self) -> None:
        for layout in ("dense", "csr", "csc"):
            make(self.path, 120, 80, 0.3, layout, "count")
            with self.subTest(layout=layout), mock.patch.object(diffexp, "BLOCK", 101):
                backed = anndata.read_h5ad(self.path, backed="r")
                whole = anndata.read_h5ad(self.path).X
                for groups in masks(120).values():
                    for got, want in zip(diffexp.group_moments(backed.X, groups, True), diffexp.group_moments(whole, groups, True)):
                        np.testing.assert_allclose(got.mean, want.mean, rtol=1e-12)
                        np.testing.assert_allclose(got.squares, want.squares, rtol=1e-9)
                backed.file.close()

    def test_a_group_without_cells(self) -> None:
        none, some = np.zeros(60, bool), np.arange(60) < 20
        make(self.path, 60, 50, 0.4, "dense")
        ours, theirs = self.open("normal", False)
        for groups in ((none, some), (some, none), (none, none)):
            with np.errstate(all="ignore"):
                self.assertEqual(str(ours.compute_diffexp_ttest(*groups, 5).keys()), str(theirs.compute_diffexp_ttest(*groups, 5).keys()))
                mine, other = ours.compute_diffexp_ttest(*groups, 5), theirs.compute_diffexp_ttest(*groups, 5)
            # p-values: which of the genes that all tie come first is numpy's affair
            self.assertEqual([row[2:] for row in mine["positive"]], [row[2:] for row in other["positive"]])
        for layout in ("csr", "csc"):
            make(self.path, 60, 50, 0.4, layout)
            ours, theirs = self.open("normal", False)
            for groups in ((none, some), (some, none)):
                with self.assertRaises(ZeroDivisionError):
                    theirs.compute_diffexp_ttest(*groups, 5)
                with self.assertRaisesRegex(BadRequest, "A group has no cells"):
                    ours.compute_diffexp_ttest(*groups, 5)

    def test_too_many_cells_are_refused_in_words(self) -> None:
        make(self.path, 60, 50, 0.4)
        ours, _ = self.open("normal", False, most=50)
        picked = lambda upto: {"obs": {"index": [[0, upto]]}}  # noqa: E731
        with self.assertRaisesRegex(BadRequest, "50 cells at most"):
            ours.diffexp_topN(picked(30), picked(30), 5)
        self.assertIn("positive", ours.diffexp_topN(picked(25), picked(25), 5))

    def test_no_warning_of_slowness(self) -> None:
        make(self.path, 60, 50, 0.4)
        ours, _ = self.open("normal", False)
        self.assertNotIn("diffexp-may-be-slow", ours.parameters)
