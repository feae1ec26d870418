"""Recorded websocket frames, told by the same session and ledger that follow the venue live.

A line is either ``{"name", "kind", "raw"}`` with the frame as it travelled, or one bare trade. Nobody
said who is to be tracked, so everybody is whose address appears. A trader whose state was never
recorded began somewhere unknown: its position is told with the sum of its trades and the quality
``unknown``, and no change, because a change needs to know from where. So is one in a coin of another
dex than the main one. Pairs of tokens and answers to questions are no positions: nothing is told of them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from heapq import merge
from pathlib import Path
from typing import Any

import msgspec

from market_scraper.connectors.hyperliquid.parse import (
    parse_active_context,
    parse_all_contexts,
    parse_candle,
    parse_candles,
    parse_meta,
    parse_user_state,
    parse_user_states,
)
from market_scraper.connectors.hyperliquid.session import Data, Session, TradesSeen
from market_scraper.connectors.hyperliquid.tape import TradeTape
from market_scraper.errors import RecordingError, WireFormatError
from market_scraper.moments import moment
from market_scraper.positions.anchors import BookId, State
from market_scraper.positions.books import Books
from market_scraper.positions.coins import MAIN_DEX, dex_of
from market_scraper.positions.ledger import Holding, Trade, apply, deltas
from market_scraper.positions.numbers import ZERO
from market_scraper.processors.trade_flow import FlowBars
from market_scraper.recording.told import Told
from shared_events.payloads import Position, SourceStatus, TraderPositions

SUFFIX = ".jsonl"


class Line(msgspec.Struct, frozen=True):
    """A frame with a name, as it was recorded."""

    raw: str
    kind: str = "ws"
    name: str = ""


_line = msgspec.json.Decoder(Line)


def is_frames(path: Path) -> bool:
    """Tell whether `path` is a file of frames, or a folder of such files."""
    return bool(_files(path))


def frames_told(path: Path) -> Iterator[Told]:
    """Return the facts of every file at `path`, in time order."""
    return merge(*(_file_told(file) for file in _files(path)), key=lambda told: told.at)


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path] if path.suffix == SUFFIX else []
    return sorted(path.glob(f"*{SUFFIX}"))


def _file_told(file: Path) -> Iterator[Told]:
    player = _Player()
    lines = [line for line in file.read_bytes().splitlines() if line.strip()]
    frames = [_frame(line, file, number) for number, line in enumerate(lines, 1)]
    player.now_ms = next(filter(None, map(_first_ms, frames)), 0)
    if not player.now_ms:
        raise RecordingError(f"{file} does not say when it was recorded")
    yield Told(moment(player.now_ms), _declared(player, file))
    for frame in frames:
        for fact in player.play(frame):
            yield Told(moment(player.now_ms), fact)
    for fact in player.flow.rest():
        yield Told(moment(player.now_ms), fact)


def _declared(player: "_Player", file: Path) -> SourceStatus:
    return SourceStatus(
        name="hyperliquid",
        at=moment(player.now_ms),
        status="PARTIAL",
        detail=f"recording: frames of {file.stem}"[:500],
        recording=True,
    )


def _frame(line: bytes, file: Path, number: int) -> Line:
    if b'"raw"' not in line[:2000]:
        return Line(raw=f'{{"channel":"trades","data":[{line.decode()}]}}')
    try:
        return _line.decode(line)
    except msgspec.MsgspecError as e:
        raise RecordingError(f"{file}, line {number}: {e}") from e


@dataclass(slots=True)
class _Player:
    """What is known after the frames played so far."""

    now_ms: int = 0
    session: Session = field(default_factory=lambda: Session(TradeTape()))
    books: Books = field(default_factory=Books)
    flow: FlowBars = field(default_factory=FlowBars)
    universes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    sums: dict[str, dict[str, Holding]] = field(default_factory=dict)

    def play(self, line: Line) -> Iterator[Any]:
        """Yield what the frame in `line` tells; a frame of no use tells nothing."""
        try:
            facts = list(self._rest(line.raw) if line.kind == "rest" else self._live(line.raw))
        except WireFormatError:
            return
        yield from facts
        yield from self.books.drain()

    def _live(self, raw: str) -> Iterator[Any]:
        for effect in self.session.received(raw, self.now_ms / 1000):
            match effect:
                case TradesSeen(taken=taken):
                    yield from self._trades(taken.trades)
                case Data(channel=channel, raw=data) if channel in _CHANNELS:
                    yield from _CHANNELS[channel](self, data)
                case _:
                    pass

    def _rest(self, raw: str) -> Iterator[Any]:
        if raw.startswith('{"universe"'):
            assets = parse_meta(raw.encode())
            dex = assets[0].name.rpartition(":")[0] if assets else MAIN_DEX
            self.universes[dex] = tuple(asset.name for asset in assets)
        elif raw.startswith('[{"t":'):
            yield from parse_candles(raw.encode(), moment(self.now_ms), "replay")

    def _trades(self, trades: Iterable[Trade]) -> Iterator[Any]:
        unknown: dict[str, set[str]] = {}
        for trade in trades:
            self.now_ms = max(self.now_ms, trade.ms)
            self.flow.take(trade, ())
            if dex_of(trade.coin) is None:
                continue
            stated = dex_of(trade.coin) == MAIN_DEX
            for address, delta in deltas(trade):
                self.books.enter(address, 0)
                if not (stated and self.books.accounts[address].anchored):
                    sums = self.sums.setdefault(address, {})
                    held = sums.get(delta.coin) or Holding(delta.coin, ZERO)
                    sums[delta.coin] = apply(held, delta)
                    unknown.setdefault(address, set()).add(delta.coin)
            if stated:
                list(self.books.take(trade))
        yield from self.flow.over()
        for address in sorted(unknown):
            yield self._unknown(address, unknown[address])

    def _unknown(self, address: str, coins: Iterable[str]) -> TraderPositions:
        sequence = max(self.books.sequences.get(address, -1) + 1, self.now_ms)
        self.books.sequences[address] = sequence
        sums = self.sums[address]
        return TraderPositions(
            address=address,
            sequence=sequence,
            as_of=moment(self.now_ms),
            full=False,
            positions=tuple(
                Position(coin=coin, size=sums[coin].size, quality="unknown")
                for coin in sorted(coins)
            ),
        )

    def _state(self, data: bytes) -> Iterator[Any]:
        user, dex, state = parse_user_state(data)
        return self._anchored(user, {dex: state})

    def _states(self, data: bytes) -> Iterator[Any]:
        return self._anchored(*parse_user_states(data))

    def _anchored(self, user: str, states: Mapping[str, State]) -> Iterator[Any]:
        state = states.get(MAIN_DEX)
        if state is not None:
            self.now_ms = max(self.now_ms, state.ms)
            self.books.enter(user, 0)
            self.books.state(BookId(user), state)
        return iter(())

    def _candle(self, data: bytes) -> Iterator[Any]:
        yield parse_candle(data, moment(self.now_ms), "replay")

    def _context(self, data: bytes) -> Iterator[Any]:
        yield parse_active_context(data, moment(self.now_ms))

    def _contexts(self, data: bytes) -> Iterator[Any]:
        yield from parse_all_contexts(data, self.universes, moment(self.now_ms))


_CHANNELS: Mapping[str, Callable[[_Player, bytes], Iterator[Any]]] = {
    "clearinghouseState": _Player._state,  # noqa: SLF001 -- its own table
    "allDexsClearinghouseState": _Player._states,  # noqa: SLF001
    "candle": _Player._candle,  # noqa: SLF001
    "activeAssetCtx": _Player._context,  # noqa: SLF001
    "allDexsAssetCtxs": _Player._contexts,  # noqa: SLF001
}


def _first_ms(line: Line) -> int | None:
    """Return the first trade's or state's time in `line`, if it has one."""
    probe = _Player()
    list(probe.play(line))
    return probe.now_ms or None
