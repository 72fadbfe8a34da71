"""The server of every row: uvicorn with uvloop and httptools and without an access log, like the gateway."""

from __future__ import annotations

import gc
import os
import socket
import sys

import uvicorn
from starlette.applications import Starlette

UPSTREAM = "UPSTREAM"  # the variable with the address of the upstream
SPARE_COLLECTIONS = "SPARE_COLLECTIONS"  # the variable that enables the collector's settings


class SparingServer(uvicorn.Server):
    """uvicorn that sets the garbage collector once everything is loaded."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        spare_collections()


def spare_collections() -> None:
    """Set the garbage collector as the gateway sets it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


def upstream_url() -> str:
    return os.environ[UPSTREAM]


def serve(app: Starlette) -> None:
    """Serve on any free port, which is printed on the first line of the output."""
    server = SparingServer if SPARE_COLLECTIONS in os.environ else uvicorn.Server
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        host, port = listener.getsockname()
        sys.stdout.write(f"http://{host}:{port}\n")
        sys.stdout.flush()
        config = uvicorn.Config(
            app,
            loop="uvloop",
            http="httptools",
            ws="none",
            lifespan="on",
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=300,  # a connection waits while callgrind writes its counts
        )
        server(config).run(sockets=[listener])
