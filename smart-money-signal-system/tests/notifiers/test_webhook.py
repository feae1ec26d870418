from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pydantic import SecretStr

from shared_events.errors import TransientError
from shared_events.runtime.clock import SystemClock
from signal_system.notifiers.notice import of_test
from signal_system.notifiers.port import DeliveryError
from signal_system.notifiers.receivers import WebhookReceiver
from signal_system.notifiers.targets import TargetRefusedError
from signal_system.notifiers.webhook import Webhook, open_session
from signal_system.testing.hooks import SECRET, Inbox, receiving

NOTICE = of_test(SystemClock().now())


@asynccontextmanager
async def webhook(
    url: str, *, allow_private: bool = True, secret: str = SECRET
) -> AsyncIterator[Webhook]:
    receiver = WebhookReceiver(
        url=SecretStr(url), secret=SecretStr(secret), allow_http=True, allow_private=allow_private
    )
    async with open_session(receiver) as session:
        yield Webhook(receiver, session, SystemClock())


async def test_a_receiver_gets_a_signed_notice_with_the_id_of_its_event() -> None:
    inbox = Inbox()
    async with receiving(inbox) as port, webhook(f"http://127.0.0.1:{port}/hook") as hook:
        await hook.send([NOTICE])

    assert inbox.keys == [NOTICE.id]
    assert inbox.kept[NOTICE.id]["text"] == NOTICE.text


async def test_with_another_secret_it_is_not_authentic() -> None:
    inbox = Inbox()
    async with (
        receiving(inbox) as port,
        webhook(f"http://127.0.0.1:{port}/hook", secret="x" * 16) as hook,
    ):
        with pytest.raises(DeliveryError, match="401"):
            await hook.send([NOTICE])

    assert (inbox.keys, inbox.forged) == ([], 1)


async def test_a_redirect_is_not_followed_and_counts_as_not_taken() -> None:
    inbox, elsewhere = Inbox(), Inbox()
    async with receiving(elsewhere) as other, receiving(inbox) as port:
        inbox.answers, inbox.headers = [307], {"Location": f"http://127.0.0.1:{other}/hook"}
        async with webhook(f"http://127.0.0.1:{port}/hook") as hook:
            with pytest.raises(DeliveryError, match="307"):
                await hook.send([NOTICE])

    assert elsewhere.keys == []


async def test_how_long_to_wait_is_up_to_the_receiver_within_reason() -> None:
    inbox = Inbox(answers=[429, 503], headers={"Retry-After": "999999"})
    async with receiving(inbox) as port, webhook(f"http://127.0.0.1:{port}/hook") as hook:
        with pytest.raises(DeliveryError) as refused:
            await hook.send([NOTICE])

    assert refused.value.retry_after == 3_600


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "0x7f000001"])
async def test_what_listens_on_this_machine_hears_nothing_unless_allowed(host: str) -> None:
    inbox = Inbox()
    async with (
        receiving(inbox) as port,
        webhook(f"http://{host}:{port}/hook", allow_private=False) as hook,
    ):
        with pytest.raises((TargetRefusedError, DeliveryError)):
            await hook.send([NOTICE])

    assert (inbox.keys, inbox.forged) == ([], 0)


async def test_nobody_there_is_told_without_the_address_and_its_secrets() -> None:
    async with receiving(Inbox()) as port:
        pass
    async with webhook(f"http://127.0.0.1:{port}/hook?token=hidden") as hook:
        with pytest.raises(TransientError, match="no answer") as away:
            await hook.send([NOTICE])

    assert "hidden" not in str(away.value)
