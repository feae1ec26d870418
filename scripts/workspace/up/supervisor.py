"""Starts the parts in order, watches them, stops them in order, whatever happens in between."""

import asyncio
import signal
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from workspace.up.errors import PartDiedError, UpError
from workspace.up.lines import read
from workspace.up.logfile import LogFile
from workspace.up.plan import SIGNALS, Part, Plan
from workspace.up.processes import Process
from workspace.up.screen import Screen
from workspace.up.view import OPINIONS, View, opinions
from workspace.up.watch import Watch

_LOOK_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class Ending:
    """When to stop without being asked; None and False for never."""

    seconds: float | None = None
    opinions: bool = False


class Supervisor:
    """One run of a plan."""

    def __init__(
        self, plan: Plan, environment: Mapping[str, str], logs: Path, view: View, screen: Screen
    ) -> None:
        self._plan = plan
        self._environment = environment
        self._logs = logs
        self._view = view
        self._screen = screen
        self._processes: list[Process] = []
        self._ends: dict[asyncio.Task[str], Process] = {}
        self._stop = asyncio.Event()

    async def run(self, watch: Watch, ending: Ending) -> bool:
        """Run until asked to stop or until `ending`; tell whether all it hoped for was seen.

        Raises
        ------
        PartDiedError
            If a part ended by itself; the others have been stopped by then.
        """
        self._obey_signals()
        try:
            for part in self._plan.parts:
                await self._unless_stopped(self._start(part, watch))
            return await self._look_on(watch, ending)
        except _StopAskedError:
            return not ending.opinions
        finally:
            await self._stop_all()

    async def _start(self, part: Part, watch: Watch) -> None:
        row = self._view.parts[part.name]
        log = LogFile(self._logs / f"{part.name}.log")
        process = await Process.start(part, self._environment, log, self._on_line)
        self._processes.append(process)
        self._ends[asyncio.create_task(process.ended())] = process
        row.pid, row.state = process.pid, "starting"
        self._screen.show(self._view)
        try:
            async with asyncio.timeout(part.start_seconds):
                await watch.until_ready(part.ready)
        except TimeoutError:
            late = f"{part.name} did not answer within {part.start_seconds:g} s; see {log.path}"
            raise PartDiedError(late) from None
        row.state = "running"
        self._screen.show(self._view)

    async def _look_on(self, watch: Watch, ending: Ending) -> bool:
        loop = asyncio.get_running_loop()
        deadline = None if ending.seconds is None else loop.time() + ending.seconds
        seen: set[str] = set()
        while deadline is None or loop.time() < deadline:
            await self._unless_stopped(self._refresh(watch))
            seen |= opinions(self._view.signals)
            if ending.opinions and seen == OPINIONS:
                return True
            await self._unless_stopped(asyncio.sleep(_LOOK_SECONDS))
        return not ending.opinions

    async def _refresh(self, watch: Watch) -> None:
        for part in self._plan.parts:
            if part.status is not None and (said := await watch.progress(part.status)):
                self._view.parts[part.name].state = said
        signals = await watch.signals()
        if signals is None:
            self._view.parts[SIGNALS].state = "does not answer"
        else:
            self._view.signals = signals
        self._screen.show(self._view)

    async def _unless_stopped(self, work: Awaitable[None]) -> None:
        """Do `work`, but let go of it when somebody asks to stop or a part ends."""
        task = asyncio.ensure_future(work)
        asked = asyncio.ensure_future(self._stop.wait())
        try:
            while not task.done() and not asked.done():
                ends = list(self._ends)
                await asyncio.wait(
                    {task, asked, *ends}, return_when=asyncio.FIRST_COMPLETED, timeout=1
                )
                self._raise_if_ended()
        finally:
            for each in (task, asked):
                each.cancel()
            await asyncio.gather(task, asked, return_exceptions=True)
        if asked.done() and not asked.cancelled():
            raise _StopAskedError
        await task

    def _raise_if_ended(self) -> None:
        for end in self._ends:
            if end.done():
                raise PartDiedError(end.result())

    def _on_line(self, part: Part, line: str) -> None:
        said = read(line)
        if said.alarming:
            self._view.warnings.append(f"{part.name}: {said.text}")

    def _obey_signals(self) -> None:
        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(each, self._asked)

    def _asked(self) -> None:
        """Stop in order when asked once, at once when asked twice."""
        if self._stop.is_set():
            for process in self._processes:
                process.kill()
        self._stop.set()

    async def _stop_all(self) -> None:
        """Stop what runs, the last started first; Redis therefore last."""
        for process in reversed(self._processes):
            row = self._view.parts[process.part.name]
            row.state = "stopping" if process.running else "ended"
            self._screen.show(self._view)
            if process.running:
                row.state = await process.stop()
            self._screen.show(self._view)
        await asyncio.gather(*self._ends)


class _StopAskedError(UpError):
    """Somebody asked to stop."""

    def __init__(self) -> None:
        super().__init__("stopped", exit_code=0)
