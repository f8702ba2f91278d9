"""
Labels as CSV and as cellxgene's table, joined by the cell's name: never by row, which would label other cells as soon as the
dataset is sorted anew or loses some.

The CSV: first column the cell's name, then a column per category; no comments, no times, the same bytes for the same labels.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

# cellxgene's page's own word for a cell without a label.
UNASSIGNED = "unassigned"


class LabelsUnreadable(Exception):
    """What the vault keeps is not a table of labels; an older version can be restored."""


@dataclass(frozen=True)
class Kept:
    """What the vault keeps, as far as this dataset is concerned, and the rest, which must survive the next save."""

    # Index: the dataset's cells in the dataset's order. Categorical columns of text.
    labels: pd.DataFrame
    # Index: cells that this dataset doesn't have. Text; "" where a category says nothing of a cell.
    others: pd.DataFrame


def empty(cells: pd.Index) -> Kept:
    return Kept(pd.DataFrame(index=cells), pd.DataFrame(index=pd.Index([], dtype=object)))


def parse(body: bytes, cells: pd.Index, taken: Iterable[str]) -> Kept:
    """
    :param cells: names of the dataset's cells, in its order
    :param taken: column names that the dataset uses itself; a category of that name gets another one
    """
    names, table = _read(body)
    if table.columns.empty:
        return empty(cells)
    rows = names.get_indexer(cells)
    used = set(taken) | set(table.columns)
    labels: dict[str, pd.Categorical] = {}
    others: dict[str, pd.Series] = {}
    outside = ~names.isin(cells)
    for column in table.columns:
        name = _free(column, used) if column in taken else column
        used.add(name)
        labels[name] = _aligned(table[column].cat, rows)
        others[name] = table[column][outside].astype(str)
    rest = pd.DataFrame(others).set_axis(names[outside], axis=0)
    return Kept(pd.DataFrame(labels, index=cells), rest[(rest != "").any(axis=1)])


def replace(kept: Kept, table: pd.DataFrame, cells: pd.Index) -> Kept:
    """
    The page sends the whole table of this dataset's cells. The other cells keep their labels, in the categories that are still
    there; a category that was renamed is known by its labels.
    """
    if table.empty:
        return empty(cells)
    labels = pd.DataFrame({str(name): _text(table[name]) for name in table.columns}).set_axis(cells, axis=0)
    lost = [name for name in kept.others.columns if name not in labels.columns]
    others: dict[str, pd.Series] = {}
    for name in labels.columns:
        source = name if name in kept.others.columns else _renamed(kept, lost, labels[name])
        if source is not None:
            others[name] = kept.others[source]
    rest = pd.DataFrame(others, index=kept.others.index)
    return Kept(labels, rest[(rest != "").any(axis=1)])


def render(kept: Kept, header: str) -> bytes:
    """:param header: name of the first column, the one with the cells' names"""
    if kept.labels.columns.empty:
        return b""
    columns = []
    for name in kept.labels.columns:
        other = kept.others[name] if name in kept.others.columns else pd.Series("", index=kept.others.index)
        columns.append(kept.labels[name].astype(str).tolist() + other.tolist())
    names = kept.labels.index.astype(str).tolist() + kept.others.index.tolist()
    heading = ["cell" if header.startswith("#") else header, *kept.labels.columns]
    text = _csv(heading, zip(names, *columns), csv.QUOTE_MINIMAL)
    if "\r" in text:  # Python does not quote a lone carriage return, and would end the row there when reading
        text = _csv(heading, zip(names, *columns), csv.QUOTE_ALL)
    return text.encode()


def _csv(heading: list[str], rows: Iterable[tuple[str, ...]], quoting: int) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n", quoting=quoting)  # type: ignore[arg-type]
    writer.writerow(heading)
    writer.writerows(rows)
    return out.getvalue()


def _read(body: bytes) -> tuple[pd.Index, pd.DataFrame]:
    """Names of the cells, and a categorical column per category."""
    try:
        text = io.StringIO(body.decode("utf-8-sig"), newline="")
        heading = next((row for row in csv.reader(text) if row and not row[0].startswith("#")), None)
        if heading is None or len(heading) < 2:
            return pd.Index([], dtype=object), pd.DataFrame()
        surplus = len(heading)  # one column more, which must stay empty: pandas drops without a word what has no name
        kinds = {0: "str"} | {at: "category" for at in range(1, surplus + 1)}
        table = pd.read_csv(text, header=None, names=range(surplus + 1), dtype=kinds, index_col=False, na_filter=False)
        if (table[surplus].astype(str) != "").any():
            raise ValueError("a row has more fields than there are columns")
    except (ValueError, csv.Error) as error:  # pandas' and UTF-8's errors are ValueErrors
        raise LabelsUnreadable(f"The kept labels are no table of labels ({error}).") from error
    if len(set(heading[1:])) < len(heading) - 1:
        raise LabelsUnreadable("The kept labels have two categories of the same name.")
    names = pd.Index(table[0], dtype=object)
    if not names.is_unique:
        raise LabelsUnreadable(f"The kept labels name the cell {names[names.duplicated()][0]!r} twice.")
    return names, table.drop(columns=[0, surplus]).set_axis(heading[1:], axis=1)


def _aligned(column: Any, rows: Any) -> pd.Categorical:
    words = column.categories.to_numpy(dtype=object)
    # The last code, -1, is taken for cells that the vault says nothing of.
    codes = np.append(column.codes.to_numpy(), -1)[rows]
    words = np.append(np.where(words == "", UNASSIGNED, words), UNASSIGNED)
    return pd.Categorical(words[codes])


def _text(column: pd.Series) -> pd.Categorical:
    """What reading the saved file will give, so that a relaunch shows what the page showed."""
    words = column.astype(object)
    return pd.Categorical(words.where(words.notna() & (words != ""), UNASSIGNED).astype(str))


def _renamed(kept: Kept, lost: list[str], column: pd.Series) -> str | None:
    for name in lost:
        if name in kept.labels.columns and (kept.labels[name].astype(str) == column.astype(str)).all():
            return name
    return None


def _free(column: str, used: set[str]) -> str:
    name, number = f"{column} (label)", 2
    while name in used:
        name, number = f"{column} (label {number})", number + 1
    return name
