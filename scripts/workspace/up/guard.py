"""What is checked before anything starts, each refusal with the way out."""

import fcntl
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from workspace.up.errors import UpError
from workspace.up.plan import Options
from workspace.up.ports import holder, is_free

_CONNECT_SECONDS = 3.0


@contextmanager
def only_one(var: Path) -> Iterator[None]:
    """Hold the folder for as long as we run.

    Raises
    ------
    UpError
        If another ``scripts/up`` holds it.
    """
    var.mkdir(parents=True, exist_ok=True)
    with (var / "up.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise UpError(
                f"scripts/up already runs here (pid {lock.read().strip() or 'unknown'}): stop it first "
                "with Ctrl-C there, or watch it at the address it shows"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def ports_are_free(options: Options) -> None:
    """Refuse a start whose services could not listen.

    Raises
    ------
    UpError
        Naming the port, who has it and how to choose another.
    """
    for port, option in ((options.port, "--port"), (options.scraper_port, "--scraper-port")):
        if not is_free(port):
            by = holder(port) or "a process that cannot be seen from here"
            raise UpError(
                f"port {port} is taken by {by}: stop it, or choose another with {option}",
                exit_code=1,
            )


def exchange_is_reachable(url: str, seconds: float = _CONNECT_SECONDS) -> None:
    """Try to connect to the exchange, names included, for `seconds`.

    Raises
    ------
    UpError
        If nothing answers, suggesting ``--demo``; or if `url` is not one.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UpError(f"--exchange wants a URL such as https://api.hyperliquid.xyz, not {url!r}")
    address = (parts.hostname, parts.port or (443 if parts.scheme == "https" else 80))
    answers: list[str | None] = []
    # A thread, since a resolver without a network can hang far longer than anybody wants to wait.
    attempt = threading.Thread(
        target=lambda: answers.append(_connect(address, seconds)), daemon=True
    )
    attempt.start()
    attempt.join(seconds)
    wrong = answers[0] if answers else f"no answer within {seconds:g} s"
    if wrong is not None:
        raise UpError(
            f"{parts.hostname} cannot be reached ({wrong}). Without internet, try scripts/up --demo: "
            "it brings its own exchange",
            exit_code=69,
        )


def _connect(address: tuple[str, int], seconds: float) -> str | None:
    try:
        socket.create_connection(address, seconds).close()
    except OSError as e:
        return e.strerror or str(e)
    return None
