"""`python -I labels_conform.py`: reads files of labels with the viewer's own code, writes them again, says what it saw. JSON lines both ways."""

import base64
import json
import pathlib
import sys

here = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(here.parents[1] / "functions" / "viewer")]
sys.dont_write_bytecode = True

import pandas as pd  # noqa: E402

from cxod_viewer import labels  # noqa: E402


def answer(asked: dict) -> dict:
    cells = pd.Index(asked["cells"], dtype=object)
    try:
        kept = labels.parse(base64.b64decode(asked["csv"]), cells, asked["taken"])
    except labels.LabelsUnreadable as error:
        return {"unreadable": str(error)}
    facts = [
        [cell, str(column), str(word)]
        for frame in (kept.labels, kept.others)
        for column in frame.columns
        for cell, word in zip(frame.index, frame[column])
        if str(word) not in ("", labels.UNASSIGNED)
    ]
    # As a page that changes nothing saves: the whole table of this dataset's cells.
    again = labels.replace(kept, kept.labels, cells) if len(kept.labels.columns) else kept
    return {
        "columns": [str(column) for column in kept.labels.columns],
        "facts": facts,
        "csv": base64.b64encode(labels.render(again, asked["header"])).decode(),
    }


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
