"""Makes an .h5ad whose last embedding lies at or after a given offset; the gap is a hole, so the disk holds little.

Usage: python make_far_file.py FILE OFFSET
"""

import os
import sys

import h5py
import numpy as np

path, offset = sys.argv[1], int(sys.argv[2])
marked = {"encoding-version": "0.2.0"}
with h5py.File(path, "w", track_order=True) as file:
    file["X"] = np.ones((60, 25), "float32")
    file["X"].attrs.update({"encoding-type": "array", **marked})
    for name, n in (("obs", 60), ("var", 25)):
        table = file.create_group(name)
        table.attrs.update({"encoding-type": "dataframe", "_index": "_index", "column-order": [], **marked})
        table["_index"] = np.array([f"{name}{i}" for i in range(n)], dtype=h5py.string_dtype())
        table["_index"].attrs.update({"encoding-type": "string-array", **marked})
    obsm = file.create_group("obsm", track_order=True)
    obsm["X_near"] = np.random.random((60, 2))
    # Allocated early and never written: the file grows over it without using the disk.
    late = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    late.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    late.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    layers = file.create_group("uns")
    h5py.h5d.create(layers.id, b"hole", h5py.h5t.NATIVE_INT8, h5py.h5s.create_simple((offset,)), late)
    obsm["X_far"] = np.random.random((60, 2000))  # large, or it would fit before the hole
    assert obsm["X_far"].id.get_offset() >= offset, "the embedding does not lie behind the hole"
assert os.stat(path).st_blocks * 512 < 2**24, "the hole takes room on the disk"
