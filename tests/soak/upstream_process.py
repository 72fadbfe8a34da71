"""An upstream that runs in a process of its own."""

from __future__ import annotations

import socket

import uvicorn
from starlette.types import ASGIApp, Send


def serve(app: ASGIApp) -> None:
    """Serve an upstream on a free port, whose address is the output, until the process is stopped."""
    with socket.create_server(("127.0.0.1", 0), backlog=1000) as listener:
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)  # noqa: T201 - for its starter
        config = uvicorn.Config(app, log_level="critical", access_log=False, lifespan="off")
        uvicorn.Server(config).run(sockets=[listener])


async def send_json(send: Send, body: bytes) -> None:
    """Send a body of JSON in one piece."""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
