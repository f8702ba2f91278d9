"""cellxgene as a WSGI application, configured for one dataset."""

from __future__ import annotations

import logging
import os
import secrets
import sys
import warnings
from typing import Any

from flask import Flask, Response, got_request_exception, jsonify, request
from flask_compress import Compress
from server.app.app import Server
from server.common.config.app_config import AppConfig
from server.common.utils.data_locator import DataLocator

from .adaptor import Adaptor
from .annotations import SAVE_ID, VaultAnnotations
from .gene_sets import GeneSetsUnreadable
from .labels import LabelsUnreadable
from .task_socket import GateError, TaskSocket, Work

log = logging.getLogger(__name__)


class _CompressingServer(Server):  # type: ignore[misc]
    @staticmethod
    def _before_adding_routes(app: Flask, app_config: Any) -> None:
        app.config["COMPRESS_MIMETYPES"] = ["application/json", "application/octet-stream", "text/csv"]
        # The cheapest levels: the answers are floats and short words, and the processor is shared with the computing.
        app.config.update(COMPRESS_LEVEL=1, COMPRESS_DEFLATE_LEVEL=1, COMPRESS_BR_LEVEL=1, COMPRESS_ZSTD_LEVEL=1)
        Compress(app)


def load(work: Work, task: TaskSocket) -> AppConfig:
    """Reads the file, then the kept labels and gene sets. Raises what cellxgene raises when it can't."""
    config = AppConfig()
    # Nothing from the environment: cellxgene passes one variable through `eval`, and looks for a free port from another.
    config.external_config.update(environment=[])
    os.environ.pop("CXG_SERVER_PORT", None)
    config.update_server_config(
        # A host that needs no look-up; the port that cellxgene looks for is never used.
        app__host="127.0.0.1",
        # Nothing is kept in a session cookie, so nobody needs to know this after a restart.
        app__flask_secret_key=secrets.token_hex(32),
        # Or browsers keep annotations for a week.
        app__generate_cache_control_headers=False,
        single_dataset__datapath=work.path,
        single_dataset__title=work.title,
        limits__diffexp_cellcount_max=work.diffexp_cells,
        data_locator__s3__region_name=None,
    )
    config.update_dataset_config(X_approximate_distribution=work.distribution or "auto")
    config.server_config.data_adaptor = Adaptor(DataLocator(work.path), config)
    limit = getattr(sys, "tracebacklimit", None)
    config.complete_config(lambda message: log.info("cellxgene: %s", message))
    # cellxgene switches tracebacks off and formats warnings its own way, for a terminal.
    if limit is None:
        del sys.tracebacklimit
    warnings.formatwarning = _ORIGINAL_FORMAT
    annotations = VaultAnnotations(task, config.server_config.data_adaptor, work.writable)
    annotations.reload("labels")
    annotations.reload("genesets")
    config.dataset_config.user_annotations = annotations
    return config


_ORIGINAL_FORMAT = warnings.formatwarning


def create_app(config: AppConfig, on_error: Any) -> Flask:
    """
    :param on_error: told of each exception that a request ended with
    """
    app: Flask = _CompressingServer(config).app
    annotations: VaultAnnotations = config.dataset_config.user_annotations
    got_request_exception.connect(lambda sender, exception: on_error(exception), app, weak=False)

    @app.post("/-/reload")
    def reload() -> tuple[Response, int]:
        kind = request.get_json()["kind"]
        if kind not in ("labels", "genesets"):
            return jsonify(message="kind: labels or genesets"), 400
        try:
            annotations.reload(kind)
        except (GateError, LabelsUnreadable, GeneSetsUnreadable) as error:
            return jsonify(message=str(error)), 503
        return jsonify(status="OK"), 200

    @app.after_request
    def finish(response: Response) -> Response:
        # cellxgene's binary answers are bytearrays, which WSGI servers refuse: they would send an empty 200.
        # (Only lists: looking into a file that is being sent would use it up.)
        if isinstance(response.response, list) and any(isinstance(part, bytearray) for part in response.response):
            response.set_data(bytes(response.get_data()))
        if SAVE_ID in request.headers:
            response.headers[SAVE_ID] = request.headers[SAVE_ID]
        return response

    return app
