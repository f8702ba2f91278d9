"""What the real cellxgene says of a file."""

import hashlib

from scipy import sparse


def verdict(path):
    """What cellxgene says: it refuses, or what it shows."""
    from server.common.config.app_config import AppConfig
    from server.data_anndata.anndata_adaptor import AnndataAdaptor
    from server.common.utils.data_locator import DataLocator

    config = AppConfig()
    config.update_server_config(app__flask_secret_key="test", single_dataset__datapath=path)
    config.update_dataset_config(user_annotations__enable=False)
    config.update_server_config(app__verbose=True)
    try:
        data = AnndataAdaptor(DataLocator(path), config, config.dataset_config)
        obs_column, var_column = data.parameters["obs_names"], data.parameters["var_names"]
        names = "".join(f"{name}\n" for name in data.data.obs[obs_column])
        schema = data.get_schema()["annotations"]
        # What the page asks first.
        from server.common.constants import Axis

        data.annotation_to_fbs_matrix(Axis.OBS, [schema["obs"]["index"]])
        data.annotation_to_fbs_matrix(Axis.VAR, [schema["var"]["index"]])
        if not any(draws(data, name) for name in data.get_embedding_names()):
            raise ValueError("It opens, but no embedding can be drawn.")
        return {
            "opens": True,
            "cells": data.cell_count,
            "genes": data.gene_count,
            "embeddings": [name for name in data.get_embedding_names() if draws(data, name)],
            "distribution": str(data.X_approximate_distribution),
            "names": hashlib.sha256(names.encode()).hexdigest(),
            "dtype": str(data.data.X.dtype),
            "layout": getattr(data.data.X, "format", "dense"),
            "values": int(data.data.X.nnz if sparse.issparse(data.data.X) else data.data.X.size),
        }
    except BaseException as error:
        cause = [line for line in str(error).strip().splitlines() if line.strip()]
        return {"opens": False, "error": type(error).__name__, "words": " … ".join(cause[:1] + cause[-2:])[:400]}


def draws(data, name):
    """It lists arrays of three dimensions, then fails when the page asks for one."""
    try:
        data.layout_to_fbs_matrix([name])
        return True
    except ValueError:
        return False
