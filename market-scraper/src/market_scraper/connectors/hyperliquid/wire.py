"""The venue's JSON as it is: its names, its nesting, its strings for numbers.

Decoding is lenient about keys that are missing or new, and strict about those that carry meaning.
"""

from decimal import Decimal
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

WireUser = Annotated[str, Meta(pattern="^0[xX][0-9a-fA-F]{40}$")]
WireCoin = Annotated[str, Meta(min_length=1, max_length=64)]
Ms = Annotated[int, Meta(ge=0, le=253_402_300_799_999)]
Count = Annotated[int, Meta(ge=0)]


class WireTrade(Struct, frozen=True):
    """An element of ``trades`` and ``recentTrades``; ``users`` are buyer and seller."""

    coin: WireCoin
    side: Literal["A", "B"]
    px: Decimal
    sz: Decimal
    time: Ms
    tid: Count
    users: tuple[WireUser, WireUser]
    hash: str = ""


class WireLeverage(Struct, frozen=True):
    """``leverage`` of a position."""

    type: Literal["cross", "isolated"]
    value: Decimal


class WireFunding(Struct, frozen=True, rename="camel"):
    """``cumFunding`` of a position; positive was paid."""

    since_open: Decimal | None = None


class WirePosition(Struct, frozen=True, rename="camel"):
    """``assetPositions[].position`` of ``clearinghouseState``."""

    coin: WireCoin
    szi: Decimal
    entry_px: Decimal | None = None
    leverage: WireLeverage | None = None
    position_value: Decimal | None = None
    unrealized_pnl: Decimal | None = None
    liquidation_px: Decimal | None = None
    margin_used: Decimal | None = None
    cum_funding: WireFunding | None = None


class WireAssetPosition(Struct, frozen=True):
    """``assetPositions[]`` of ``clearinghouseState``."""

    position: WirePosition


class WireMarginSummary(Struct, frozen=True, rename="camel"):
    """``marginSummary`` of ``clearinghouseState``."""

    account_value: Decimal


class WireState(Struct, frozen=True, rename="camel"):
    """The answer to ``clearinghouseState``."""

    asset_positions: tuple[WireAssetPosition, ...]
    time: Ms
    margin_summary: WireMarginSummary | None = None


class WireAsset(Struct, frozen=True, rename="camel"):
    """An element of ``meta``'s ``universe``."""

    name: WireCoin
    sz_decimals: Annotated[int, Meta(ge=0, le=20)]
    max_leverage: Annotated[int, Meta(ge=1)] | None = None
    is_delisted: bool | None = None


class WireMeta(Struct, frozen=True):
    """The answer to ``meta``."""

    universe: tuple[WireAsset, ...]


class WireContext(Struct, frozen=True, rename="camel"):
    """A perpetual's context, index-aligned with ``universe``."""

    funding: Decimal | None = None
    open_interest: Decimal | None = None
    prev_day_px: Decimal | None = None
    day_ntl_vlm: Decimal | None = None
    premium: Decimal | None = None
    oracle_px: Decimal | None = None
    mark_px: Decimal | None = None
    mid_px: Decimal | None = None
    impact_pxs: tuple[Decimal, Decimal] | None = None


class WireActiveContext(Struct, frozen=True):
    """``data`` of ``activeAssetCtx``."""

    coin: WireCoin
    ctx: WireContext


class WireAllContexts(Struct, frozen=True):
    """``data`` of ``allDexsAssetCtxs``: by dex, index-aligned with that dex's universe."""

    ctxs: tuple[tuple[str, tuple[WireContext, ...]], ...]


class WireUserState(Struct, frozen=True, rename="camel"):
    """``data`` of ``clearinghouseState`` over the websocket."""

    user: WireUser
    clearinghouse_state: WireState
    dex: str = ""


class WireUserStates(Struct, frozen=True, rename="camel"):
    """``data`` of ``allDexsClearinghouseState``."""

    user: WireUser
    clearinghouse_states: tuple[tuple[str, WireState], ...]


class WireCandle(Struct, frozen=True):
    """A candle, over REST and websocket alike."""

    t: Ms
    s: WireCoin
    i: str
    o: Decimal
    c: Decimal
    h: Decimal
    l: Decimal  # noqa: E741 -- the venue's own letter
    v: Decimal
    n: Count


class WirePerformance(Struct, frozen=True):
    """One window of a leaderboard row."""

    pnl: Decimal
    roi: Decimal
    vlm: Decimal


class WireLeaderboardRow(Struct, frozen=True, rename="camel"):
    """An element of ``leaderboardRows``."""

    eth_address: WireUser
    account_value: Decimal
    window_performances: tuple[tuple[str, WirePerformance], ...]
    display_name: str | None = None


class WireLeaderboard(Struct, frozen=True, rename="camel"):
    """The leaderboard file, its rows still raw: it is 25 MB."""

    leaderboard_rows: list[Raw]


class WireRoleData(Struct, frozen=True):
    """``data`` of ``userRole``: the account an agent or a sub-account belongs to."""

    user: WireUser | None = None
    master: WireUser | None = None


class WireRole(Struct, frozen=True):
    """The answer to ``userRole``."""

    role: Literal["user", "agent", "vault", "subAccount", "missing"]
    data: WireRoleData | None = None


class WireRelationData(Struct, frozen=True, rename="camel"):
    """``relationship.data`` of ``vaultDetails``."""

    child_addresses: tuple[WireUser, ...] = ()
    parent_address: WireUser | None = None


class WireRelationship(Struct, frozen=True):
    """``relationship`` of ``vaultDetails``: a vault that stands alone has no data."""

    type: str
    data: WireRelationData | None = None


class WireVault(Struct, frozen=True):
    """The answer to ``vaultDetails``."""

    leader: WireUser
    relationship: WireRelationship | None = None


class WireSubAccount(Struct, frozen=True, rename="camel"):
    """An element of ``subAccounts``."""

    sub_account_user: WireUser


class WireFill(Struct, frozen=True, rename="camel"):
    """An element of ``userFills`` and ``userFillsByTime``; ``side`` is the user's own."""

    coin: WireCoin
    px: Decimal
    sz: Decimal
    side: Literal["A", "B"]
    time: Ms
    tid: Count
    oid: Count
    crossed: bool
    start_position: Decimal | None = None
    closed_pnl: Decimal | None = None
    fee: Decimal | None = None
    fee_token: str | None = None
    hash: str | None = None
    twap_id: int | None = None
    liquidation: Raw | UnsetType = UNSET


class WireUserFills(Struct, frozen=True, rename="camel"):
    """``data`` of ``userFills`` over the websocket; updates leave ``isSnapshot`` out."""

    user: WireUser
    fills: list[WireFill]
    is_snapshot: bool = False


class WireFundingDelta(Struct, frozen=True):
    """``delta`` of ``userFunding``; ``usdc`` below zero was paid. Channels put `time` in it."""

    coin: WireCoin
    usdc: Decimal
    time: Ms = 0


class WireUserFunding(Struct, frozen=True):
    """An element of ``userFunding``."""

    time: Ms
    delta: WireFundingDelta
    hash: str | None = None


class WireUserFundings(Struct, frozen=True):
    """``data`` of ``userFundings``."""

    user: WireUser
    fundings: list[WireFundingDelta]


class WireLedgerDelta(Struct, frozen=True, rename="camel"):
    """``delta`` of ``userNonFundingLedgerUpdates``, of any kind; vaults name what left them."""

    type: str
    usdc: Decimal | None = None
    usdc_value: Decimal | None = None
    net_withdrawn_usd: Decimal | None = None
    fee: Decimal | None = None
    to_perp: bool | None = None
    user: str | None = None
    destination: str | None = None
    vault: str | None = None


class WireLedgerUpdate(Struct, frozen=True):
    """An element of ``userNonFundingLedgerUpdates``."""

    time: Ms
    delta: WireLedgerDelta
    hash: str | None = None


class WireLedgerUpdates(Struct, frozen=True, rename="camel"):
    """``data`` of ``userNonFundingLedgerUpdates`` over the websocket."""

    user: WireUser
    non_funding_ledger_updates: list[WireLedgerUpdate]


class WirePayment(Struct, frozen=True, rename="camel"):
    """An element of ``fundingHistory``."""

    coin: WireCoin
    funding_rate: Decimal
    time: Ms
    premium: Decimal | None = None


class WireSubscription(Struct, frozen=True):
    """A subscription as the venue echoes it; keys it adds are ignored."""

    type: str
    coin: str | None = None
    user: str | None = None
    interval: str | None = None
    dex: str | None = None


class WireTopic(Struct, frozen=True):
    """What ``data`` of most channels says of whom it is; a candle says it in letters."""

    coin: str | None = None
    s: str | None = None
    i: str | None = None


class WireAck(Struct, frozen=True):
    """``data`` of ``subscriptionResponse``."""

    method: str
    subscription: WireSubscription


class WireFrame(Struct, frozen=True):
    """Any websocket frame; ``data`` stays raw until the channel is known."""

    channel: str
    data: Raw | UnsetType = UNSET


Request = dict[str, Any]
"""The body of a ``POST /info``."""
