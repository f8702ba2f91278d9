"""One differential expression through cellxgene's own entry point: `diffexp_once.py ours|plain FILE`; prints one line of JSON."""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
import time

sys.path.insert(0, os.environ["CXOD_VIEWER"])

import numpy as np
from cxod_viewer.adaptor import Adaptor
from server.common.config.app_config import AppConfig
from server.common.utils.data_locator import DataLocator
from server.data_anndata.anndata_adaptor import AnndataAdaptor

WHOSE = {"ours": Adaptor, "plain": AnndataAdaptor}
PAGE = resource.getpagesize()


def resident() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * PAGE


class Peak(threading.Thread):
    """The largest resident memory while it runs, looked at every 2 ms: the kernel's own maximum includes the loading."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most = 0
        self.done = threading.Event()

    def run(self) -> None:
        while not self.done.wait(0.002):
            self.most = max(self.most, resident())


def main() -> None:
    whose, path = sys.argv[1:]
    config = AppConfig()
    config.update_server_config(single_dataset__datapath=path, app__flask_secret_key="bench", app__host="127.0.0.1")
    config.update_dataset_config(X_approximate_distribution="normal", user_annotations__enable=False)
    config.server_config.data_adaptor = WHOSE[whose](DataLocator(path), config)
    config.complete_config(lambda message: None)
    adaptor = config.server_config.data_adaptor
    cells = adaptor.get_shape()[0]
    # Two of the eight clusters that the data is made of: an eighth of the cells each.
    cluster = np.arange(cells) % 8
    before, peak = resident(), Peak()
    peak.start()
    started = time.perf_counter()
    result = adaptor.compute_diffexp_ttest(cluster == 1, cluster == 2, 50)
    seconds = time.perf_counter() - started
    peak.done.set()
    peak.join()
    genes = sorted(str(row[0]) for side in ("positive", "negative") for row in result[side][:10])
    print(json.dumps({"seconds": seconds, "extraMib": max(0, peak.most - before) / 2**20, "genes": genes}))


main()
