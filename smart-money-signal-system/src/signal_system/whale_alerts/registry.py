"""Every rule there is. To add one: write its module, add it here."""

from typing import Final

from signal_system.whale_alerts.rule import Rule
from signal_system.whale_alerts.rules.agreement import Agreement
from signal_system.whale_alerts.rules.first_position import FirstPosition
from signal_system.whale_alerts.rules.large_moves import (
    LargeClose,
    LargeFlip,
    LargeIncrease,
    LargeOpen,
    LargeReduce,
)
from signal_system.whale_alerts.rules.liquidated import Liquidated
from signal_system.whale_alerts.rules.liquidation_near import LiquidationNear
from signal_system.whale_alerts.rules.stale import Stale
from signal_system.whale_alerts.rules.unusual import Unusual

RULES: Final[tuple[type[Rule], ...]] = (
    LargeOpen,
    LargeIncrease,
    LargeReduce,
    LargeClose,
    LargeFlip,
    Liquidated,
    LiquidationNear,
    FirstPosition,
    Unusual,
    Agreement,
    Stale,
)
