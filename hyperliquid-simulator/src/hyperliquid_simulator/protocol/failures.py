"""The kinds of failure, a small class each, and the registry of them.

The docstring of a kind tells a user what goes wrong; its fields beyond those of `Fault` are the
parameters he may give.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto
from types import MappingProxyType
from typing import Any, ClassVar, Final

from hyperliquid_simulator.coins.catalogue import Perp
from hyperliquid_simulator.errors import ConfigError
from hyperliquid_simulator.world.board import REPLAYED
from hyperliquid_simulator.world.events import Hidden
from hyperliquid_simulator.world.listings import KNOWN, PRICES, candidate
from hyperliquid_simulator.world.world import World

BAD_GATEWAY: Final = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n"
    b"<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n"
)


class Effect(Enum):
    """What a failure does for as long as it lasts."""

    NO_SOCKETS = auto()
    NO_DATA = auto()
    DATA_TWICE = auto()
    DATA_SWAPPED = auto()
    STATE_STALLED = auto()
    STATE_STAMPED_AHEAD = auto()


def number(default: float, least: float, most: float, meaning: str) -> Any:
    """Declare a parameter that is a number within bounds, a whole one if the default is."""
    return field(default=default, metadata={"bounds": (least, most), "meaning": meaning})


def choice(among: type[StrEnum], usual: StrEnum, meaning: str) -> Any:
    """Declare a parameter that is one of some words."""
    words = ", ".join(among)
    return field(default=usual, metadata={"words": among, "meaning": f"{meaning}: {words}"})


def name(meaning: str) -> Any:
    """Declare a parameter that is a name and may be left out."""
    return field(default=None, metadata={"meaning": meaning})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One failure, in seconds of venue time since the start."""

    refusal: ClassVar[tuple[int, bytes, str] | None] = None
    effect: ClassVar[Effect | None] = None

    at: float
    lasts: float

    @property
    def until(self) -> float:
        """When it is over."""
        return self.at + self.lasts

    def check(self, world: World) -> None:
        """Raise ConfigError if a world cannot have it."""

    def begin(self, world: World) -> None:
        """Do what has to be done once."""


# ── Answers ──────────────────────────────────────────────────────────────────────────────────


class Refuse(Fault):
    """Every info request is over the limit: 429 with the body `null`."""

    refusal = (429, b"null", "application/json")


class ServerError(Fault):
    """Every info request fails inside the venue: 500 with the body `null`."""

    refusal = (500, b"null", "application/json")


class BadGateway(Fault):
    """The gateway answers every info request itself: 502 with a page of HTML."""

    refusal = (502, BAD_GATEWAY, "text/html")


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowAnswers(Fault):
    """Info requests are answered late, over HTTP and over the websocket."""

    seconds: float = number(2.0, 0.0, 600.0, "how late, in seconds of the client's time")


# ── Sockets and frames ───────────────────────────────────────────────────────────────────────


class DropSockets(Fault):
    """Every websocket breaks without a close frame, and new ones are refused."""

    effect = Effect.NO_SOCKETS


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelFault(Fault):
    """A failure of data frames, of one channel or of all; acknowledgements and pongs are fine."""

    channel: str | None = name("the websocket channel, as a subscription names it; else all")


class SilentSockets(ChannelFault):
    """Sockets stay open and answer pings, but carry no data."""

    effect = Effect.NO_DATA


class DuplicateFrames(ChannelFault):
    """Every data frame comes twice."""

    effect = Effect.DATA_TWICE


class ReorderedFrames(ChannelFault):
    """Every data frame changes places with the next of the same subscription."""

    effect = Effect.DATA_SWAPPED


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap(Fault):
    """Sockets break, a known number of trades prints at once, and only then may clients return."""

    effect = Effect.NO_SOCKETS

    trades: int
    coin: str | None = name("where they print; else in every listed coin")
    rest: float = number(5.0, 0.0, 3600.0, "seconds without any trade after clients may return")

    def check(self, world: World) -> None:
        """Refuse a coin that does not trade."""
        _check_coin(world, self.coin)

    def begin(self, world: World) -> None:
        """Print the trades in the next block and let nobody else trade for now."""
        for coin in [self.coin] if self.coin else world.board.trading():
            world.script.print_trades(world.coin_index[coin], self.trades)
        world.script.rest_until(world.time + round(1000 * (self.lasts + self.rest)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortGap(Gap):
    """Sockets break while no more trades print than a new subscription replays: the gap heals."""

    trades: int = number(20, 1, REPLAYED, "trades in each coin")


@dataclass(frozen=True, slots=True, kw_only=True)
class LongGap(Gap):
    """Sockets break while more trades print than a new subscription replays: some are lost."""

    trades: int = number(100, REPLAYED + 1, 10_000, "trades in each coin")


# ── Time and state ───────────────────────────────────────────────────────────────────────────


class LaggingState(Fault):
    """The node of account states stands still: states are older than trades already streamed."""

    effect = Effect.STATE_STALLED


class EarlyStamp(Fault):
    """States carry the time of the next block, whose trades they do not hold yet."""

    effect = Effect.STATE_STAMPED_AHEAD


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockSkew(Fault):
    """The venue's clock, and with it every time stamp, runs ahead of the true time or behind it."""

    ms: float = number(250.0, -60_000.0, 60_000.0, "milliseconds ahead, behind if negative")


@dataclass(frozen=True, slots=True, kw_only=True)
class CrowdedBlocks(Fault):
    """One wallet fills so often in a few blocks that a page of `userFillsByTime` ends inside one."""

    user: str | None = name("whose address; else the first trader's")
    fills: int = number(300, 1, 5_000, "fills in each block")
    blocks: int = number(7, 1, 100, "blocks one after the other")

    def check(self, world: World) -> None:
        """Refuse an address that has no account."""
        _check_user(world, self.user)

    def begin(self, world: World) -> None:
        """Print the fills from the next block on."""
        address = (self.user or world.addresses[0]).lower()
        trader = world.population.by_address[address]
        world.script.print_trades(0, self.fills, trader.index, blocks=self.blocks)


@dataclass(frozen=True, slots=True, kw_only=True)
class HiddenChange(Fault):
    """A position changes in the next block and no public trade tells of it."""

    change: Hidden = choice(Hidden, Hidden.BACKSTOP, "by what")  # noqa: RUF009 - it is a field
    user: str | None = name("whose address; else the first trader or vault that can have it")
    coin: str | None = name("in which coin; else the largest position")

    def check(self, world: World) -> None:
        """Refuse an address or a coin that the world does not have."""
        _check_user(world, self.user)
        _check_coin(world, self.coin)

    def begin(self, world: World) -> None:
        """Hide it from the public; if nobody holds what it takes, nothing happens."""
        people = world.population
        coin = None if self.coin is None else world.coin_index[self.coin]
        likely = people.vaults if self.change is Hidden.NETTING else people.traders
        for trader in likely if self.user is None else [people.by_address[self.user.lower()]]:
            with suppress(ConfigError):
                world.events.hide(world.ledger.accounts[trader.index], self.change, coin)
                return


@dataclass(frozen=True, slots=True, kw_only=True)
class NewListing(Fault):
    """A perpetual that nobody holds is listed, and trades from the next block on."""

    coin: str | None = name("which; else one that the simulator knows and does not list yet")
    price: float = number(1.0, *PRICES, "dollars of a coin that the simulator does not know")

    def check(self, world: World) -> None:
        """Refuse a coin that cannot be listed, and a choice where there is none."""
        if self.coin is None and not world.listings.unlisted():
            raise ConfigError("every known coin is listed; name a new 'coin'.")
        if self.coin is not None:
            world.listings.check(self._perp(self.coin))

    def begin(self, world: World) -> None:
        """List it; nothing happens if that was done meanwhile."""
        for coin in world.listings.unlisted()[:1] if self.coin is None else [self.coin]:
            with suppress(ConfigError):
                world.list_coin(self._perp(coin))

    def _perp(self, coin: str) -> Perp:
        return KNOWN.get(coin) or candidate({"coin": coin, "price": self.price})


@dataclass(frozen=True, slots=True, kw_only=True)
class Delisting(Fault):
    """A coin's positions are settled at the oracle price, and it trades no more."""

    coin: str | None = name("which, also one that is listed meanwhile; else the venue's last")

    def begin(self, world: World) -> None:
        """Let it end in the next block; nothing happens if it does not trade."""
        own = [world.coins[i].name for i in world.board.universe("")]
        asked = own if self.coin is None else [self.coin]
        for coin in [name for name in asked if name in world.board.trading()][-1:]:
            with suppress(ConfigError):
                world.delist(world.coin_index[coin])


def _check_user(world: World, user: str | None) -> None:
    if user is not None and user.lower() not in world.population.by_address:
        raise ConfigError(f"no account of this venue has the address {user!r}.")


def _check_coin(world: World, coin: str | None) -> None:
    if coin is not None and coin not in world.board.trading():
        raise ConfigError(f"no coin trades as {coin!r}.")


FAULTS: Final[Mapping[str, type[Fault]]] = MappingProxyType(
    {
        "refuse": Refuse,
        "server_error": ServerError,
        "bad_gateway": BadGateway,
        "slow_answers": SlowAnswers,
        "drop_sockets": DropSockets,
        "silent_sockets": SilentSockets,
        "duplicate_frames": DuplicateFrames,
        "reordered_frames": ReorderedFrames,
        "short_gap": ShortGap,
        "long_gap": LongGap,
        "lagging_state": LaggingState,
        "early_stamp": EarlyStamp,
        "clock_skew": ClockSkew,
        "crowded_blocks": CrowdedBlocks,
        "hidden_change": HiddenChange,
        "new_listing": NewListing,
        "delisting": Delisting,
    }
)
"""Every kind by the name that a faults file uses."""
