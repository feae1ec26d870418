"""Everybody who is told something, each by an outbox of its own: nobody waits for anybody else."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack, closing

from msgspec import Struct, json

from shared_events.runtime.clock import Clock
from shared_events.types import Action
from signal_system.notifiers.chat import Chat
from signal_system.notifiers.choosing import Choice
from signal_system.notifiers.notice import Said
from signal_system.notifiers.outbox import Outbox
from signal_system.notifiers.port import Notifier
from signal_system.notifiers.receivers import Receiver, Receivers
from signal_system.notifiers.webhook import Webhook, open_session
from signal_system.signal_store import SignalStore
from signal_system.storage.ledger import Ledger
from signal_system.storage.port import Place


class _Action(Struct):
    action: Action


Notifiers = Mapping[str, tuple[Receiver, Notifier]]
"""What brings notices to each receiver, by its name."""


async def open_notifiers(receivers: Receivers, clock: Clock, stack: AsyncExitStack) -> Notifiers:
    """Return what brings notices to each of `receivers`, by name; `stack` closes it.

    Raises
    ------
    ConfigError
        If a chat's URL means nothing.
    """
    found: dict[str, tuple[Receiver, Notifier]] = {}
    for name, hook in receivers.webhooks.items():
        session = await stack.enter_async_context(open_session(hook))
        found[name] = hook, Webhook(hook, session, clock)
    for name, talk in receivers.chats.items():
        chat = await asyncio.to_thread(
            Chat, name, talk, clock
        )  # loading the library takes a second
        found[name] = talk, stack.enter_context(closing(chat))
    return found


class NotifierDesk:
    """Runs the outboxes of all receivers.

    Parameters
    ----------
    signals
        What was issued.
    ledger
        How far each was told.
    """

    def __init__(
        self, notifiers: Notifiers, signals: SignalStore, ledger: Ledger, clock: Clock
    ) -> None:
        self._notifiers, self._signals, self._ledger = notifiers, signals, ledger
        self._clock = clock

    async def run(self, end: Place) -> None:
        """Tell everybody what they want to hear of, until cancelled; new ones begin at `end`."""
        async with asyncio.TaskGroup() as tasks:
            for name, (receiver, notifier) in self._notifiers.items():
                outbox = Outbox(
                    name,
                    notifier,
                    Choice(receiver, self._before),
                    feed=self._signals,
                    ledger=self._ledger,
                    clock=self._clock,
                    attempts=receiver.attempts,
                )
                tasks.create_task(outbox.run(end))

    def _before(self, said: Said) -> Action | None:
        documents = self._signals.history(
            said.coin, said.horizon_seconds, limit=1, before=said.journal_position
        )
        return json.decode(documents[0], type=_Action).action if documents else None
