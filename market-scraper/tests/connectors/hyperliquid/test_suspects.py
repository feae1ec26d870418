from hypothesis import given, strategies as st

from market_scraper.connectors.hyperliquid.suspects import Suspects


@given(st.integers(1, 200), st.data())
def test_the_one_that_breaks_every_connection_is_found_and_nothing_else_is_given_up(
    count: int, data: st.DataObject
) -> None:
    """The venue confirms in order, and closes the connection when it comes to the bad one."""
    bad = data.draw(st.integers(0, count - 1))
    suspects: Suspects[int] = Suspects()
    wanted, connections = list(range(count)), 0

    while bad in wanted:
        connections += 1
        confirmed: list[int] = []
        while True:
            asked = suspects.next([each for each in wanted if each not in confirmed], pending=False)
            if bad in asked:
                break
            confirmed += asked
            for each in asked:
                suspects.cleared(each)
        before = asked[: asked.index(bad)]
        for each in before:
            suspects.cleared(each)
        culprit = suspects.broke(asked[asked.index(bad) :])
        if culprit is not None:
            wanted.remove(culprit)

    assert wanted == [each for each in range(count) if each != bad]
    assert connections <= 4


def test_suspects_wait_until_nothing_else_is_pending() -> None:
    suspects: Suspects[str] = Suspects()
    suspects.broke(["BAD", "GOOD"])

    assert suspects.next(["BAD", "NEW"], pending=False) == ["NEW"]
    assert suspects.next(["BAD", "GOOD"], pending=True) == []
    assert suspects.next(["BAD", "GOOD"], pending=False) == ["BAD", "GOOD"]
