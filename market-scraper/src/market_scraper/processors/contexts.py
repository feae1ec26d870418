"""Which of the contexts that were read are worth telling."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from shared_events.payloads import MarketContext

REPEAT_SECONDS = 30.0
"""A price that is not repeated cannot be told from one that is not known any more."""


@dataclass(slots=True)
class ContextNews:
    """What was last told of every market; `contexts` also says which markets are known."""

    contexts: dict[str, MarketContext] = field(default_factory=dict)

    def take(self, contexts: Iterable[MarketContext]) -> list[MarketContext]:
        """Return those of `contexts` that changed, and every one once in `REPEAT_SECONDS`."""
        news = [context for context in contexts if self._is_news(context)]
        self.contexts |= {context.coin: context for context in news}
        return news

    def _is_news(self, context: MarketContext) -> bool:
        before = self.contexts.get(context.coin)
        if before is None or (context.at - before.at).total_seconds() >= REPEAT_SECONDS:
            return True
        return before.model_copy(update={"at": context.at}) != context
