"""The price comes close to where the venue would close a large position."""

from collections.abc import Iterable

from signal_system.whale_alerts.config import AlertRules
from signal_system.whale_alerts.rule import Finding, Holding, Rule, money, short


class LiquidationNear(Rule):
    """How near the end of a large position is: the threshold over the distance that is left."""

    name = "liquidation_near"

    def held(self, holding: Holding, limits: AlertRules) -> Iterable[Finding]:
        """Find a large position whose liquidation price is within the distance."""
        position, mark = holding.position, holding.mark
        worth, end = abs(position.size) * mark, position.liquidation_price
        if end is None or worth < limits.notional:
            return
        left = float(abs(mark - end) / mark)
        side = "long" if position.size > 0 else "short"
        yield Finding(
            thread=f"{self.name}:{holding.address}:{position.coin}:{side}",
            magnitude=limits.liquidation_distance / max(left, 1e-4),
            message=(
                f"the {position.coin} {side} of {short(holding.address)}, {money(worth)},"
                f" is {left:.1%} away from its liquidation at {end.normalize():f}"
            ).replace("%", " %"),
            at=holding.at,
            address=holding.address,
            coin=position.coin,
            notional=worth,
        )
