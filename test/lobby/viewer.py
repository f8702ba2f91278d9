"""cellxgene alone under waitress, for the lobby's browser test: arguments data file, port, folder of the kept CSV files."""

import sys

from server.app.app import Server
from server.common.config.app_config import AppConfig
from waitress import serve

data, port, kept = sys.argv[1], int(sys.argv[2]), sys.argv[3]
config = AppConfig()
config.update_server_config(single_dataset__datapath=data, app__flask_secret_key="only-for-this-test-" * 2)
config.update_dataset_config(
    user_annotations__local_file_csv__file=f"{kept}/labels.csv",
    user_annotations__local_file_csv__gene_sets_file=f"{kept}/genesets.csv",
)
config.complete_config(lambda message: None)
app = Server(config).app


def as_bytes(environ, start_response):
    """cellxgene answers with bytearrays, which waitress refuses."""
    for chunk in app.wsgi_app(environ, start_response):
        yield bytes(chunk)


serve(as_bytes, host="127.0.0.1", port=port, threads=6)
