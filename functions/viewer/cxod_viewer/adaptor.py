"""cellxgene's data adaptor with its costly parts done otherwise, and with answers that any WSGI server takes."""

from __future__ import annotations

from typing import Any

import pandas as pd
from server.common.compute.diffexp_generic import diffexp_ttest_from_mean_var
from server.common.constants import Axis, XApproximateDistribution
from server.common.errors import ExceedsLimitError
from server.common.fbs.matrix import encode_matrix_fbs
from server.data_anndata.anndata_adaptor import AnndataAdaptor
from werkzeug.exceptions import BadRequest

from .diffexp import Mask, group_moments


class Adaptor(AnndataAdaptor):  # type: ignore[misc]
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        # The page would warn of a slowness that is gone.
        self.parameters.pop("diffexp-may-be-slow", None)

    def compute_diffexp_ttest(
        self, maskA: Mask, maskB: Mask, top_n: int | None = None, lfc_cutoff: float | None = None
    ) -> dict[str, list[Any]]:
        counts = self.get_X_approximate_distribution() == XApproximateDistribution.COUNT
        sparse = hasattr(self.data.X, "format")
        if sparse and not (maskA.any() and maskB.any()):
            # cellxgene divides by zero here (500); with a dense matrix it has an answer, and so have we.
            raise BadRequest("A group has no cells: select some for each before comparing.")
        first, second = group_moments(self.data.X, [maskA, maskB], counts)
        return diffexp_ttest_from_mean_var(  # type: ignore[no-any-return]
            *first.mean_var_n(),
            *second.mean_var_n(),
            self.dataset_config.diffexp__top_n if top_n is None else top_n,
            self.dataset_config.diffexp__lfc_cutoff if lfc_cutoff is None else lfc_cutoff,
        )

    def diffexp_topN(self, obsFilterA: Any, obsFilterB: Any, top_n: int | None = None) -> str:
        try:
            return super().diffexp_topN(obsFilterA, obsFilterB, top_n)  # type: ignore[no-any-return]
        except ExceedsLimitError as error:
            # cellxgene answers 400 without saying why.
            most = self.server_config.limits__diffexp_cellcount_max
            raise BadRequest(f"Both groups together may have {most:,} cells at most: compare smaller groups.") from error

    def annotation_to_fbs_matrix(self, axis: Any, fields: list[str] | None = None, labels: pd.DataFrame | None = None) -> Any:
        # cellxgene joins all labels to all of obs for each single column that the page asks for.
        if axis == Axis.OBS and labels is not None and fields:
            wanted = [name for name in labels.columns if name in fields]
            if len(wanted) == len(fields):
                return encode_matrix_fbs(labels[fields], col_idx=pd.Index(fields))
            labels = labels[wanted] if wanted else None
        return super().annotation_to_fbs_matrix(axis, fields, labels)
