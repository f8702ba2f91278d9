"""
Gene sets as cellxgene's tidy CSV. Genes that this dataset doesn't have are kept aside, and go back into the file with the next
save.
"""

from __future__ import annotations

import copy
import csv
import io
from dataclasses import dataclass
from typing import Any

from server.common.genesets import GENESETS_TIDYCSV_HEADER, write_gene_sets_tidycsv

GeneSet = dict[str, Any]


class GeneSetsUnreadable(Exception):
    """What the vault keeps is not a table of gene sets; an older version can be restored."""


@dataclass(frozen=True)
class KeptSets:
    """By name, in the file's order: what the page sees, and per set the genes that this dataset doesn't have."""

    sets: dict[str, GeneSet]
    others: dict[str, list[dict[str, str]]]


def parse(body: bytes, known: set[str]) -> KeptSets:
    """
    The rules of cellxgene's `read_gene_sets_tidycsv`, which reads only from a file with a name.

    :param known: the dataset's genes
    """
    sets: dict[str, GeneSet] = {}
    try:
        rows = [row for row in csv.reader(io.StringIO(body.decode("utf-8-sig"), newline="")) if row and not row[0].startswith("#")]
    except (ValueError, csv.Error) as error:
        raise GeneSetsUnreadable(f"The kept gene sets are no table ({error}).") from error
    width = len(GENESETS_TIDYCSV_HEADER)
    if rows and rows[0][:width] != GENESETS_TIDYCSV_HEADER:
        raise GeneSetsUnreadable("The kept gene sets lack the row " + ",".join(GENESETS_TIDYCSV_HEADER) + ".")
    for row in rows[1:]:
        name, description, symbol, gene_description = (row + [""] * width)[:width]
        if not name:
            raise GeneSetsUnreadable("The kept gene sets have a row without the name of its set.")
        found = sets.setdefault(name, {"geneset_name": name, "geneset_description": description, "genes": []})
        found["geneset_description"] = found["geneset_description"] or description
        if symbol:
            found["genes"].append({"gene_symbol": symbol, "gene_description": gene_description})
    others: dict[str, list[dict[str, str]]] = {}
    for name, found in sets.items():
        strange = [gene for gene in found["genes"] if gene["gene_symbol"] not in known]
        if strange:
            others[name] = strange
            found["genes"] = [gene for gene in found["genes"] if gene["gene_symbol"] in known]
    return KeptSets(sets, others)


def replace(kept: KeptSets, sets: dict[str, GeneSet]) -> KeptSets:
    """The page sends all its sets; a set that was renamed is known by its genes."""
    lost = [name for name in kept.others if name not in sets]
    others: dict[str, list[dict[str, str]]] = {}
    for name, found in sets.items():
        same = [old for old in lost if name not in kept.sets and _symbols(kept.sets[old]) == _symbols(found)]
        source = name if name in kept.others else next(iter(same), None)
        if source is not None:
            others[name] = kept.others[source]
    return KeptSets(sets, others)


def render(kept: KeptSets) -> bytes:
    if not kept.sets:
        return b""
    whole = copy.deepcopy(kept.sets)
    for name, genes in kept.others.items():
        here = _symbols(whole[name])
        whole[name]["genes"] += [gene for gene in genes if gene["gene_symbol"] not in here]
    out = io.StringIO(newline="")
    write_gene_sets_tidycsv(out, whole.values())
    return out.getvalue().encode()


def _symbols(found: GeneSet) -> list[str]:
    return [gene["gene_symbol"] for gene in found["genes"]]
