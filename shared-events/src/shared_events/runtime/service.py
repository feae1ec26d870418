"""How a service starts, stops and tells systemd about it.

Exit codes: 0 for a stop that was asked for, 78 for a `ConfigError` (its sentence is on stderr), 1
for a bug (its traceback is there), 128 and the signal's number for a stop that was forced.
"""

import asyncio
import gc
import signal
import socket
import sys
from collections.abc import Awaitable, Callable

import structlog
import uvloop

from shared_events.errors import EXIT_CONFIG, ConfigError
from shared_events.runtime.config import Manager

Stop = asyncio.Event
"""Set when the service should finish what it is doing and return."""

Main = Callable[[Stop], Awaitable[None]]

log = structlog.get_logger()


class Notifier:
    """Tells the service manager how we are; silent where there is none.

    Parameters
    ----------
    address
        The datagram socket's path; ``@`` begins the name of an abstract one.
    """

    def __init__(self, address: str | None = None) -> None:
        self._address = f"\0{address[1:]}" if address and address[0] == "@" else address

    def ready(self, status: str = "running") -> None:
        """Say that the start is over."""
        self._send("READY=1", f"STATUS={_line(status)}")

    def status(self, text: str) -> None:
        """Say in one line what the service is doing."""
        self._send(f"STATUS={_line(text)}")

    def stopping(self) -> None:
        """Say that the end has begun."""
        self._send("STOPPING=1")

    def alive(self) -> None:
        """Pat the watchdog."""
        self._send("WATCHDOG=1")

    def _send(self, *assignments: str) -> None:
        if self._address is None:
            return
        message = "\n".join(assignments).encode()
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
                manager.sendto(message, socket.MSG_DONTWAIT, self._address)
        except OSError as e:
            log.warning("service_manager_away", reason=e.strerror)


def run(main: Main, *, manager: Manager | None = None) -> int:
    """Run `main` until it returns, and return the exit code of the process.

    SIGTERM and SIGINT set its `Stop`; a second one cancels it. Saying ready is up to `main`, which
    alone knows: give it a `Notifier` of its own. A bug is not caught.
    """
    told = manager or Manager()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_supervised(main, Notifier(told.notify_socket), told))
    except (ConfigError, BaseExceptionGroup) as e:
        if (sentences := _sentences(e)) is None:
            raise
        sys.stderr.write("".join(f"{sentence}\n" for sentence in sentences))
        return EXIT_CONFIG


def settle(thresholds: tuple[int, int, int] = (50_000, 20, 100)) -> None:
    """Take all that lives after warm-up out of the garbage collector's sight.

    A full collection of the state of 10,000 wallets stalls the loop for some 47 ms; what was
    built at the start stays anyway, so later collections look only at what came since.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*thresholds)


async def _supervised(main: Main, notifier: Notifier, manager: Manager) -> int:
    stop, forced_by = Stop(), 0
    work = asyncio.ensure_future(main(stop))

    def on_signal(number: int) -> None:
        nonlocal forced_by
        if stop.is_set():
            forced_by = number
            work.cancel()
        stop.set()
        notifier.stopping()
        log.info("service_stopping", signal=signal.Signals(number).name, forced=bool(forced_by))

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)
    watchdog = asyncio.ensure_future(_pat(notifier, manager.watchdog_seconds))
    try:
        await work
    except asyncio.CancelledError:
        if not forced_by:
            raise
    finally:
        watchdog.cancel()
    return 128 + forced_by if forced_by else 0


async def _pat(notifier: Notifier, watchdog_seconds: float | None) -> None:
    """Run on the loop that does the work: a loop that hangs stays silent."""
    while watchdog_seconds:
        notifier.alive()
        await asyncio.sleep(watchdog_seconds / 2)


def _sentences(error: BaseException) -> list[str] | None:
    """Return what the operator should read, or None if anything but configuration is wrong."""
    if isinstance(error, ConfigError):
        return [str(error)]
    if not isinstance(error, BaseExceptionGroup):
        return None
    inner = [_sentences(e) for e in error.exceptions]
    return None if None in inner else [s for found in inner if found for s in found]


def _line(text: str) -> str:
    return " ".join(text.split())
