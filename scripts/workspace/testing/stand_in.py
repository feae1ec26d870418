"""A part that is a small web server: it gives fixed answers, and notes when it is asked to stop."""

import json
import signal
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import FrameType
from typing import Never

from workspace.up.plan import Part
from workspace.up.ports import free_port

_THIS = Path(__file__)
_SCRIPTS = _THIS.parents[2]


def stand_in(
    name: str,
    diary: Path,
    answers: dict[str, object] | None = None,
    *,
    says: str = "",
    deaf: bool = False,
) -> Part:
    """Return a part named `name` that answers 200 everywhere, and writes its name to `diary` last.

    It `says` one line when it starts; a `deaf` one does not stop when asked to.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    return Part(
        name=name,
        command=(
            *(sys.executable, str(_THIS), name, str(port), str(diary)),
            *(json.dumps(answers or {}), says, "deaf" if deaf else ""),
        ),
        settings={"PYTHONPATH": str(_SCRIPTS)},
        where=url,
        ready=f"{url}/health/live",
        status=f"{url}/api/v1/status" if answers else None,
        start_seconds=30,
        stop_seconds=10,
    )


def main(name: str, port: str, diary: str, answers: str, says: str, deaf: str) -> None:
    """Serve until asked to stop."""

    def leave(_: int, __: FrameType | None) -> Never:
        with Path(diary).open("a") as file:
            file.write(f"{name}\n")
        sys.exit(0)

    signal.signal(signal.SIGTERM, signal.SIG_IGN if deaf else leave)
    print(says, flush=True)
    HTTPServer(("127.0.0.1", int(port)), _answering(json.loads(answers))).serve_forever()


def _answering(answers: dict[str, object]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(answers.get(self.path, {})).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing: the output is for what a test looks for."""

    return Handler


if __name__ == "__main__":
    main(*sys.argv[1:])
