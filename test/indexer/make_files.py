"""Makes .h5ad files of many kinds and asks the real cellxgene about each, for the indexer's tests.

Usage: python make_files.py FOLDER [SAMPLE.h5ad]    writes FOLDER/*.h5ad and FOLDER/verdicts.json
"""

import json
import os
import shutil
import sys

from kinds import broken, contents, formats, matrices, tables  # noqa: F401  each registers its makers
from kinds.kit import makers
from kinds.verdict import verdict

folder = sys.argv[1]
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
