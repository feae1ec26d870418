"""What copying each voter would have paid: positions taken over late, at a price, less the costs.

Each voter has an account in which somebody holds what the voter holds, as exposure: notional over
equity, full at the leverage limit. A change is followed at the first price that comes after the
delay. Deposits and withdrawals move no account: it earns from price changes alone.

A conviction fades: what was not confirmed by a trade is held a little less after every bar, at a
half-life in units of the voter's own holding time. The fading costs nothing here, because many
voices fade against each other; whoever follows a pool of them pays for its changes.

Bar by bar the result of an account is parted in three. The *market* part is what the coins' betas
earned of the average change of all others. Of the rest, the *habit* part is what the usual exposure
in each coin earned, and *timing* is what remains. Whoever is always long has a habit and no timing.

Every number that is summed is an integer kept in a float below 2^53: sums are exact, and the same
in whatever order events of one moment came.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import copysign

import numpy as np
from msgspec import Struct

from signal_system.weighting_engine.columns import Columns, Flags, Floats, Ints, Saved, sums
from signal_system.weighting_engine.rules import DAY, PaperRules
from signal_system.weighting_engine.yardstick import VALUE_UNIT, Standing, Yardstick

EXPOSURE_UNIT = 10**4
RESULT_UNIT = EXPOSURE_UNIT * VALUE_UNIT

_HABIT_PER_EXPOSURE = 100  # habits move slowly, so they are kept in finer steps
_USUAL_HOLDING = 1.0 * DAY  # of somebody who has hardly traded yet
_USUAL_TURNED = 1e-4
_MOST_WAITING = 100_000
_POSITIONS = {
    **dict.fromkeys(("account", "coin"), "i8"),
    **dict.fromkeys(("target", "held", "habit", "cash", "shared_cash", "opened_at"), "f8"),
}
_ACCOUNTS = dict.fromkeys(
    (
        *("realised", "worth", "shared_realised", "shared_worth", "paid", "turned", "gross"),
        *("changed_at", "fades", "mean_gross", "mean_net", "mean_side", "mean_turned"),
        *("episodes", "wins", "absolute", "squares", "seconds"),
    ),
    "f8",
)


class Wish(Struct, array_like=True):
    """What somebody will hold once a copier had the time to follow.

    Attributes
    ----------
    due
        When, in seconds; the first price at or after that moment is what it costs.
    amount
        Coins, signed; or exposure, if `is_exposure`.
    equity
        What the account is worth, in USD; None if nobody told.
    """

    due: float
    account: int
    amount: float
    equity: float | None = None
    is_exposure: bool = False


@dataclass(frozen=True, slots=True)
class Bar:
    """What every account did between two readings, in units of exposure times volatility.

    Attributes
    ----------
    at, bars
        When it ended, and how many bars long it was: more than one after a silence.
    timing, habit, market
        By account: the parts of what was earned after costs.
    cost
        By account: what timing has paid for trading.
    turned, gross, net
        By account: exposure traded, and held at the end, without and with sign.
    active
        By account: whether anything was held or traded.
    """

    at: float
    bars: float
    timing: Floats
    habit: Floats
    market: Floats
    cost: Floats
    turned: Floats
    gross: Floats
    net: Floats
    active: Flags

    @property
    def result(self) -> Floats:
        """What each account earned after costs."""
        return self.timing + self.habit + self.market

    def with_habits_as_timing(self) -> "Bar":
        """Return the same with nothing told apart as habit."""
        return replace(self, timing=self.timing + self.habit, habit=np.zeros_like(self.habit))

    def rows(self, which: slice) -> "Bar":
        """Return what some of the accounts did."""
        return replace(self, **{name: getattr(self, name)[which] for name in Bar.__slots__[2:]})


class PaperSnapshot(Struct):
    """Everything `Paper` is made of."""

    coins: dict[str, Yardstick]
    waiting: dict[str, list[Wish]]
    accounts: Saved
    positions: Saved
    touched: dict[str, float]
    read_at: float | None


class Paper:
    """The paper accounts of everybody.

    Parameters
    ----------
    rules
        Delay, costs and clocks.

    Attributes
    ----------
    coins
        Every coin that a price was heard of; a coin's number is its place.
    accounts
        One row for each voter.
    positions
        One row for each coin that an account holds or has the habit of holding: `target` is what the
        voter holds and `held` what is left of that after fading, in `EXPOSURE_UNIT`.

    Examples
    --------
    A long of one time the equity, followed a minute late; each bar pays a fifth of the limit:

    >>> paper = Paper(PaperRules(one_way_cost=0.0, volatility_prior_daily=0.01, bar_seconds=86_400))
    >>> account = paper.open()
    >>> paper.hear("ETH", 100.0, 0.0)
    >>> paper.follow("ETH", Wish(due=60.0, account=account, amount=10.0, equity=1_000.0))
    >>> paper.hear("ETH", 101.0, 60.0)
    >>> paper.settle()
    >>> paper.hear("ETH", 102.0, 86_399.0)
    >>> round(float(paper.close_bar(86_400.0).result[account]), 3)
    0.199
    """

    def __init__(self, rules: PaperRules) -> None:
        self._rules = rules
        self.coins: dict[str, Yardstick] = {}
        self.accounts, self.positions = Columns(_ACCOUNTS), Columns(_POSITIONS)
        self._numbers: dict[str, int] = {}
        self._rows: dict[tuple[int, int], int] = {}
        self._waiting: dict[str, list[Wish]] = {}
        self._touched: dict[str, float] = {}
        self._moved = 0
        self._read_at: float | None = None

    def open(self, *, fades: bool = True) -> int:
        """Open an account, of whoever's convictions fade or of somebody who follows a pool of them.

        Returns
        -------
        int
            Its number, counted from 0.
        """
        return self.accounts.add(fades=fades)

    def follow(self, coin: str, wish: Wish) -> None:
        """Hold what `wish` says as soon as its time has come and a price is heard."""
        waiting = self._waiting.setdefault(coin, [])
        waiting.append(wish)
        if len(waiting) > _MOST_WAITING:  # no price comes: only the last wish of each counts
            self._waiting[coin] = list({each.account: each for each in waiting}.values())

    def hear(self, coin: str, price: float, at: float, funding_hourly: float | None = None) -> None:
        """Take a coin's price at the moment `at`, in seconds; one older than the last is ignored."""
        yardstick = self.coins.get(coin)
        if yardstick is None:
            yardstick = self.coins[coin] = Yardstick(price, at, opened=price)
            self._numbers[coin] = len(self._numbers)
        if at < yardstick.heard_at:
            return
        self._moved += yardstick.hear(price, at, funding_hourly, yardstick.sigma(self._rules))
        if self._waiting.get(coin):
            self._touched[coin] = at

    def settle(self) -> None:
        """Fulfil the wishes that are due: no further price belongs to the present moment."""
        for coin, at in self._touched.items():
            self._fulfil(coin, at)
        self._touched.clear()

    def close_bar(self, at: float) -> Bar | None:
        """End the bar at `at`; None if no price was heard since the last one ended."""
        self.settle()
        if not any(coin.was_heard for coin in self.coins.values()):
            return None
        rules, rows, accounts, coin = self._rules, self.positions, self.accounts, self._coin_rows()
        seconds = rules.bar_seconds if self._read_at is None else at - self._read_at
        self._read_at = at
        steps, own, shared = self._end_coins()
        worth = accounts["realised"] + self._by_account(rows["cash"] + rows["held"] * own[coin])
        drift = accounts["shared_realised"] + self._by_account(
            rows["shared_cash"] + rows["held"] * shared[coin]
        )
        habit = self._by_account(rows["habit"] * steps[coin]) / _HABIT_PER_EXPOSURE
        gross = self._by_account(np.abs(rows["target"]))
        bar = Bar(
            at=at,
            bars=seconds / rules.bar_seconds,
            timing=(worth - accounts["worth"] - habit) / RESULT_UNIT,
            habit=habit / RESULT_UNIT,
            market=(drift - accounts["shared_worth"]) / RESULT_UNIT,
            cost=accounts["paid"] / RESULT_UNIT,
            turned=accounts["turned"] / EXPOSURE_UNIT,
            gross=gross / EXPOSURE_UNIT,
            net=self._by_account(rows["target"]) / EXPOSURE_UNIT,
            active=(accounts["gross"] > 0) | (accounts["turned"] > 0),
        )
        accounts["worth"], accounts["shared_worth"], accounts["gross"] = worth, drift, gross
        accounts["turned"] = accounts["paid"] = np.zeros(accounts.rows)
        self._grow_habits(bar, seconds)
        self._fade(own, shared, seconds)
        return bar

    def exposures(self, account: int) -> Iterator[tuple[str, float]]:
        """Yield every coin that `account` holds and its exposure in [-1, 1]."""
        names = list(self.coins)
        for row in np.flatnonzero(self.positions["account"] == account).tolist():
            held = float(self.positions.whole("held")[row])
            if held:
                yield names[int(self.positions.whole("coin")[row])], held / EXPOSURE_UNIT

    def left(self) -> Floats:
        """Return what share of each account's exposure has not faded; NaN while it holds nothing."""
        held = self._by_account(np.abs(self.positions["held"]))
        target = self._by_account(np.abs(self.positions["target"]))
        share: Floats = np.divide(held, target, out=np.full(len(held), np.nan), where=target > 0)
        return share

    def holding_seconds(self) -> Floats:
        """Return how long each account usually holds: exposure held over exposure traded."""
        accounts, usual = self.accounts, _USUAL_HOLDING / self._rules.bar_seconds
        held = 2 * accounts["mean_gross"] + usual * _USUAL_TURNED
        holding: Floats = held / (accounts["mean_turned"] + _USUAL_TURNED)
        return holding * self._rules.bar_seconds

    def rewind(self, at: float) -> None:
        """Go on from `at`, which is earlier than what was heard: nobody waits any longer."""
        self._waiting.clear()
        self._touched.clear()
        self._read_at = None
        for coin in self.coins.values():
            coin.heard_at = min(coin.heard_at, at)

    def snapshot(self) -> PaperSnapshot:
        """Return what `restore` needs to go on from here."""
        return PaperSnapshot(
            self.coins,
            self._waiting,
            self.accounts.saved(),
            self.positions.saved(),
            self._touched,
            self._read_at,
        )

    def restore(self, saved: PaperSnapshot) -> None:
        """Become what `saved` was taken of; this one must be new."""
        self.coins, self._waiting, self._touched = saved.coins, saved.waiting, saved.touched
        self._moved, self._read_at = sum(coin.moved for coin in saved.coins.values()), saved.read_at
        self._numbers = {coin: number for number, coin in enumerate(saved.coins)}
        self.accounts.restore(saved.accounts)
        self.positions.restore(saved.positions)
        keys = zip(self.positions["account"].tolist(), self.positions["coin"].tolist(), strict=True)
        self._rows = {key: row for row, key in enumerate(keys)}

    def _fulfil(self, coin: str, at: float) -> None:
        """Trade for everybody whose wish for `coin` had come due `at` that moment."""
        waiting, yardstick, number = self._waiting[coin], self.coins[coin], self._numbers[coin]
        due = 0
        while due < len(waiting) and waiting[due].due <= at:
            due += 1
        standing = yardstick.standing(self._market(yardstick))
        cost = VALUE_UNIT * self._rules.one_way_cost / yardstick.sigma(self._rules)
        for wish in waiting[:due]:
            row = self._row(wish.account, number)
            target = self._target(wish, yardstick.price)
            if self.positions.whole("target")[row] * target < 0:
                self._trade(row, 0, standing, cost, at)
            self._trade(row, target, standing, cost, at)
        del waiting[:due]

    def _market(self, yardstick: Yardstick) -> float:
        """Return the average move of all other coins since the bar began."""
        return (self._moved - yardstick.moved) / max(1, len(self.coins) - 1)

    def _target(self, wish: Wish, price: float) -> int:
        """Return the exposure that `wish` comes to, in `EXPOSURE_UNIT`.

        While nobody told what an account is worth, every position counts as one time of that.
        """
        limit = self._rules.leverage_limit
        if wish.is_exposure:
            exposure = wish.amount
        elif wish.equity is None:
            exposure = copysign(1.0, wish.amount) / limit if wish.amount else 0.0
        else:
            exposure = wish.amount * price / max(wish.equity, 1.0) / limit
        if abs(exposure) < self._rules.dead_band:
            return 0
        return round(EXPOSURE_UNIT * min(max(exposure, -1.0), 1.0))

    def _row(self, account: int, coin: int) -> int:
        row = self._rows.get((account, coin))
        if row is None:
            row = self._rows[account, coin] = self.positions.add(account=account, coin=coin)
        return row

    def _trade(self, row: int, target: int, standing: Standing, cost: float, at: float) -> None:
        positions, accounts = self.positions, self.accounts
        targets, held = positions.whole("target"), positions.whole("held")
        before, account = int(targets[row]), int(positions.whole("account")[row])
        if target == before:
            return
        now = _followed(int(held[row]), before, target)
        traded = now - int(held[row])
        held[row], targets[row] = now, target
        paid = round(abs(traded) * cost)
        positions.whole("cash")[row] -= traded * standing.own + paid
        positions.whole("shared_cash")[row] -= traded * standing.shared
        accounts.whole("paid")[account] += paid
        accounts.whole("turned")[account] += abs(target - before)
        accounts.whole("changed_at")[account] = at
        if not before:
            positions.whole("opened_at")[row] = at
        if not target:
            self._end_episode(row, account, at)

    def _end_episode(self, row: int, account: int, at: float) -> None:
        """Book what a position earned from flat to flat."""
        positions, accounts = self.positions, self.accounts
        cash, shared = positions.whole("cash"), positions.whole("shared_cash")
        accounts.whole("realised")[account] += cash[row]
        accounts.whole("shared_realised")[account] += shared[row]
        earned = float(cash[row] + shared[row]) / RESULT_UNIT
        cash[row] = shared[row] = 0.0
        accounts.whole("episodes")[account] += 1
        accounts.whole("wins")[account] += earned > 0
        accounts.whole("absolute")[account] += abs(earned)
        accounts.whole("squares")[account] += earned * earned
        accounts.whole("seconds")[account] += at - positions.whole("opened_at")[row]

    def _coin_rows(self) -> Ints:
        coins: Ints = self.positions["coin"]
        return coins

    def _by_account(self, amounts: Floats) -> Floats:
        return sums(self.positions["account"], amounts, self.accounts.rows)

    def _end_coins(self) -> tuple[Floats, Floats, Floats]:
        """End every coin's bar; return how far each moved on its own, and both parts of its value."""
        coins = self.coins.values()
        before = np.array([coin.value for coin in coins], np.float64)
        for coin in coins:
            coin.close_bar(self._market(coin), self._rules)
        self._moved = 0
        own = np.array([coin.value for coin in coins], np.float64)
        return own - before, own, np.array([coin.shared for coin in coins], np.float64)

    def _grow_habits(self, bar: Bar, seconds: float) -> None:
        """Let every habit come closer to what is held, and the means closer to this bar."""
        positions, accounts = self.positions, self.accounts
        share = 1 - 0.5 ** (seconds / DAY / self._rules.habit_half_life_days)
        habit = positions["habit"]
        habit += np.rint(share * (positions["held"] * _HABIT_PER_EXPOSURE - habit))
        means = {
            "mean_gross": bar.gross,
            "mean_net": np.abs(bar.net),
            "mean_side": bar.net,
            "mean_turned": bar.turned / bar.bars,
        }
        for name, seen in means.items():
            accounts[name] += share * (seen - accounts[name])

    def _fade(self, own: Floats, shared: Floats, seconds: float) -> None:
        """Let every conviction fade; forget positions that left no trace."""
        positions, rules = self.positions, self._rules
        slowest = rules.slowest_fade_days * DAY
        half_life = np.clip(
            rules.fade_in_holdings * self.holding_seconds(), rules.bar_seconds, slowest
        )
        left = 0.5 ** (self.accounts["fades"] * seconds / half_life)
        held = np.rint(positions["held"] * left[positions["account"]])
        traded, coin = held - positions["held"], self._coin_rows()
        positions["cash"] -= traded * own[coin]
        positions["shared_cash"] -= traded * shared[coin]
        positions["held"] = held
        gone = (positions["target"] == 0) & (np.abs(positions["habit"]) < _HABIT_PER_EXPOSURE)
        for row in np.flatnonzero(gone)[::-1].tolist():
            self._forget(row)

    def _forget(self, row: int) -> None:
        positions, last = self.positions, self.positions.rows - 1
        del self._rows[self._key(row)]
        if row != last:
            self._rows[self._key(last)] = row
        positions.drop(row)

    def _key(self, row: int) -> tuple[int, int]:
        account, coin = (self.positions.whole(name)[row] for name in ("account", "coin"))
        return int(account), int(coin)


def _followed(left: int, before: int, after: int) -> int:
    """Return what is held after a voter's position moved, `left` of it not having faded.

    What was added is fresh, what was taken away takes the faded with it in proportion.

    Examples
    --------
    >>> _followed(40, 100, 150), _followed(40, 100, 50), _followed(40, 100, -10)
    (90, 20, -10)
    """
    if before * after <= 0:
        return after
    if abs(after) > abs(before):
        return left + after - before
    return round(left * after / before)
