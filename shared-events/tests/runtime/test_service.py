"""A service starts, stops and reports as systemd expects it to."""

import gc
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from shared_events.errors import ConfigError
from shared_events.runtime.config import Manager
from shared_events.runtime.service import Notifier, settle

PRELUDE = """
import asyncio, sys, time
from shared_events.errors import ConfigError
from shared_events.runtime.config import Manager
from shared_events.runtime.service import Notifier, Stop, run

manager = Manager.from_environment()
notifier = Notifier(manager.notify_socket)

def say(text): print(text, flush=True)
"""
UNTIL_STOPPED = """
async def main(stop):
    notifier.ready("serving")
    say("ready")
    await stop.wait()
    say("saved")
"""
DEAF = """
async def main(stop):
    say("ready")
    try:
        while True:
            await asyncio.sleep(60)
    finally:
        say("cut short")
"""


def started(main: str, environment: dict[str, str] | None = None) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", f"{PRELUDE}{main}\nsys.exit(run(main, manager=manager))"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **(environment or {})},
    )


def ended(service: subprocess.Popen[str], *signals: signal.Signals) -> tuple[int, str, str]:
    with service:
        if signals:
            assert service.stdout is not None
            assert service.stdout.readline() == "ready\n"
        for number in signals:
            service.send_signal(number)
            if number is not signals[-1]:
                assert "service_stopping" in service.stdout.readline()  # type: ignore[union-attr]
        out, err = service.communicate(timeout=20)
    return service.returncode, out, err


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(20)
        yield manager


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_the_service_finish_and_exit_cleanly(number: signal.Signals) -> None:
    code, out, err = ended(started(UNTIL_STOPPED), number)

    assert (code, err) == (0, "")
    assert out.endswith("saved\n")


def test_a_second_signal_cuts_short_what_does_not_stop() -> None:
    code, out, _ = ended(started(DEAF), signal.SIGTERM, signal.SIGINT)

    assert code == 128 + signal.SIGINT
    assert "cut short" in out


def test_a_service_that_returns_by_itself_was_clean() -> None:
    assert ended(started("async def main(stop): say('done')")) == (0, "done\n", "")


def test_a_wrong_setting_exits_78_with_the_sentence_alone() -> None:
    main = "async def main(stop): raise ConfigError('set REDIS_URL to redis://host')"

    assert ended(started(main)) == (78, "", "set REDIS_URL to redis://host\n")


TASKS = """
async def wrong(error): raise error
async def main(stop):
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(wrong(ConfigError("set A")))
        tasks.create_task(wrong({}))
"""


def test_wrong_settings_found_by_several_tasks_are_all_named() -> None:
    assert ended(started(TASKS.format("ConfigError('set B')"))) == (78, "", "set A\nset B\n")


@pytest.mark.parametrize("main", ["async def main(stop): 1 / 0", TASKS.format("KeyError('x')")])
def test_a_bug_exits_1_with_its_traceback(main: str) -> None:
    code, _, err = ended(started(main))

    assert code == 1
    assert "Traceback (most recent call last)" in err


def test_systemd_hears_of_the_start_the_state_and_the_stop(systemd: socket.socket) -> None:
    service = started(UNTIL_STOPPED, {"NOTIFY_SOCKET": systemd.getsockname()})

    code, _, _ = ended(service, signal.SIGTERM)

    heard = [systemd.recv(1000) for _ in range(2)]
    assert (code, heard) == (0, [b"READY=1\nSTATUS=serving", b"STOPPING=1"])


HANGING = """
async def main(stop):
    await asyncio.sleep(0.12)
    notifier.status("hanging")
    time.sleep(0.3)
    notifier.status("hung")
"""


def heard_by(manager: socket.socket) -> list[bytes]:
    manager.settimeout(0)
    heard = []
    with suppress(BlockingIOError):
        while True:
            heard.append(manager.recv(1000))
    return heard


def test_the_watchdog_is_patted_only_while_the_loop_turns(systemd: socket.socket) -> None:
    told = {"NOTIFY_SOCKET": systemd.getsockname(), "WATCHDOG_USEC": "100000"}

    code, _, _ = ended(started(HANGING, told))

    heard = heard_by(systemd)
    assert code == 0
    assert heard[:2] == [b"WATCHDOG=1"] * 2
    assert heard[heard.index(b"STATUS=hanging") + 1] == b"STATUS=hung"


def test_a_watchdog_nobody_asked_for_is_not_patted(systemd: socket.socket) -> None:
    ended(started(HANGING, {"NOTIFY_SOCKET": systemd.getsockname()}))

    assert heard_by(systemd) == [b"STATUS=hanging", b"STATUS=hung"]


def test_an_abstract_socket_is_reached_by_its_at_sign() -> None:
    name = f"smart-money-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"\0{name}")
        Notifier(f"@{name}").status("two\nlines")

        assert manager.recv(100) == b"STATUS=two lines"


def test_without_a_manager_nobody_is_told_and_one_that_is_gone_stops_nothing(
    tmp_path: Path,
) -> None:
    Notifier().ready()
    Notifier(str(tmp_path / "gone")).ready()


def test_the_watchdog_of_another_process_is_not_ours() -> None:
    told = {"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "2000000", "WATCHDOG_PID": "1"}

    assert Manager.from_environment(told, pid=1) == Manager("/run/n", 2.0)
    assert Manager.from_environment(told, pid=2) == Manager("/run/n", None)
    assert Manager.from_environment({}) == Manager()


@pytest.mark.parametrize("interval", ["", "0", "-1", "1.5", "soon"])
def test_a_watchdog_interval_that_is_no_number_is_named(interval: str) -> None:
    with pytest.raises(ConfigError, match="WATCHDOG_USEC"):
        Manager.from_environment({"WATCHDOG_USEC": interval})


def test_settling_hides_what_lives_from_the_collector_and_makes_it_rarer() -> None:
    before = gc.get_threshold()
    try:
        settle((10_000, 20, 30))

        assert gc.get_freeze_count() > 1000
        assert gc.get_threshold() == (10_000, 20, 30)
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
