"""Reads smart money signals from inside a bot."""

from smart_money_client.client import DEFAULT_URL, SmartMoneyClient
from smart_money_client.errors import (
    ContractError,
    NotLiveError,
    RefusedError,
    ServiceUnavailableError,
    SmartMoneyError,
    UnauthorizedError,
    UnknownCoinError,
)
from smart_money_client.models import (
    Action,
    Contribution,
    Freshness,
    Gate,
    Horizon,
    Models,
    Progress,
    Regime,
    Regimes,
    RegimeView,
    Signal,
    SignalRow,
    Status,
)
from smart_money_client.transport import Patience

__all__ = [
    "DEFAULT_URL",
    "Action",
    "ContractError",
    "Contribution",
    "Freshness",
    "Gate",
    "Horizon",
    "Models",
    "NotLiveError",
    "Patience",
    "Progress",
    "RefusedError",
    "Regime",
    "RegimeView",
    "Regimes",
    "ServiceUnavailableError",
    "Signal",
    "SignalRow",
    "SmartMoneyClient",
    "SmartMoneyError",
    "Status",
    "UnauthorizedError",
    "UnknownCoinError",
]
