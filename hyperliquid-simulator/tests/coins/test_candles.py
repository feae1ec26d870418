import pytest

from hyperliquid_simulator.coins.candles import INTERVAL_MINUTES, MOST, Candle
from hyperliquid_simulator.coins.market import MINUTE_MS
from hyperliquid_simulator.config import Config
from hyperliquid_simulator.world.world import World

ALWAYS = 2**53


@pytest.mark.parametrize("interval", INTERVAL_MINUTES)
def test_every_interval_says_the_same_as_its_minutes(world: World, interval: str) -> None:
    bars = world.bars[0]
    width = INTERVAL_MINUTES[interval]
    minutes = bars.candles("1m", 0, ALWAYS)

    for candle in bars.candles(interval, minutes[0].opened, ALWAYS):
        end = candle.opened + width * MINUTE_MS
        inside = [m for m in minutes if candle.opened <= m.opened < end]
        assert candle == Candle(
            opened=candle.opened,
            minutes=width,
            open=inside[0].open,
            close=inside[-1].close,
            high=max(m.high for m in inside),
            low=min(m.low for m in inside),
            volume=sum(m.volume for m in inside),
            count=sum(m.count for m in inside),
        )


def test_candles_are_without_gaps_and_end_with_the_forming_one(world: World) -> None:
    candles = world.bars[1].candles("5m", 0, ALWAYS)

    opened = [candle.opened for candle in candles]
    assert opened == list(range(opened[0], opened[-1] + 1, 5 * MINUTE_MS))
    assert opened[-1] <= world.time < opened[-1] + 5 * MINUTE_MS
    assert candles[-1] == world.bars[1].now("5m")


def test_prices_lie_between_low_and_high(world: World) -> None:
    for candle in world.bars[2].candles("1m", 0, ALWAYS):
        assert 0 < candle.low <= min(candle.open, candle.close)
        assert candle.high >= max(candle.open, candle.close)
        assert candle.count > 0 or candle.volume == 0


def test_trades_of_the_past_lie_in_their_candles(world: World) -> None:
    minutes = {c.opened: c for c in world.bars[0].candles("1m", 0, ALWAYS)}
    trades = world.past.trades

    for row in (trades.coin == 0).nonzero()[0].tolist():
        candle = minutes.get(int(trades.time[row]) // MINUTE_MS * MINUTE_MS)
        if candle is not None:
            assert candle.low <= trades.ticks[row] <= candle.high


def test_live_candles_count_every_trade(world: World) -> None:
    start = world.time
    blocks = [world.step() for _ in range(2000)]
    first = start // MINUTE_MS * MINUTE_MS

    for coin in range(len(world.past.coins)):
        mine = [t for block in blocks for t in block.trades if t.coin == coin]
        candles = world.bars[coin].candles("1m", first, ALWAYS)

        assert len(candles) >= 3
        assert sum(candle.count for candle in candles) == len(mine)
        assert sum(candle.volume for candle in candles) == sum(t.lots for t in mine)
        last = [t for t in mine if t.time >= candles[-1].opened]
        if last:
            assert candles[-1].close == last[-1].ticks
            assert candles[-1].high == max(t.ticks for t in last)
        assert last or coin > 3


def test_the_live_path_continues_the_past_without_a_jump(world: World) -> None:
    last = int(world.past.closes[0][-1])

    world.step()

    assert world.market.mark(0) == pytest.approx(last, rel=0.002)


def test_one_answer_holds_the_most_recent_candles_only(world: World) -> None:
    candles = world.bars[0].candles("1m", 0, ALWAYS)

    assert len(candles) == MOST
    assert candles[-1].opened == world.time // MINUTE_MS * MINUTE_MS


def test_bars_outlive_the_space_set_aside_for_them(world: World) -> None:
    bars = world.bars[0]

    bars.roll(world.time + 6 * 86_400_000)

    assert bars.now("1m").opened == (world.time + 6 * 86_400_000) // MINUTE_MS * MINUTE_MS


def test_candles_are_the_same_whether_filled_in_ahead_or_when_asked_for(config: Config) -> None:
    ahead, asked = (World(config, config.start_ms) for _ in range(2))
    for _ in ahead.bars:
        ahead.board.prepare()
    for world in (ahead, asked):
        for _ in range(1000):
            world.step()

    for one, other in zip(ahead.bars, asked.bars, strict=True):
        assert one.candles("1h", 0, ALWAYS) == other.candles("1h", 0, ALWAYS)
        assert one.day() == other.day()
        assert not one.make()


def test_what_a_venue_needs_at_first_leaves_the_past_of_candles_for_later(world: World) -> None:
    world.step()

    assert all(world.bars[coin].make() for coin in range(len(world.past.coins)))
