"""An ASGI app that only sends answers captured before: the upper limit of what this machine and uvicorn can serve.

`python -m benchmarks.bare ANSWERS` serves the pickled answers on a free port and prints its address.
"""

import pickle
import socket
import sys
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import Receive, Scope, Send

from benchmarks.exchanges import Answer


class Bare:
    """The app; `answers` are keyed by path, question mark and query (see `exchanges.Target.key`)."""

    def __init__(self, answers: dict[bytes, Answer]) -> None:
        self.messages = {target: _messages(answer) for target, answer in answers.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start, body = self.messages[scope["raw_path"] + b"?" + scope["query_string"]]
        await send(start)
        await send(body)


def _messages(answer: Answer) -> tuple[dict[str, Any], dict[str, Any]]:
    start = {"type": "http.response.start", "status": answer.status, "headers": answer.headers}
    return start, {"type": "http.response.body", "body": answer.body}


def main() -> None:
    """Serve the answers until the process is ended."""
    answers = pickle.loads(Path(sys.argv[1]).read_bytes())
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    # The same settings as in app/server.py, except for the lifespan, which this app does not have.
    config = uvicorn.Config(
        Bare(answers),
        log_config=None,
        access_log=False,
        server_header=False,
        loop="uvloop",
        http="httptools",
        lifespan="off",
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
