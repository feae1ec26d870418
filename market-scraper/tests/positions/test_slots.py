"""Who is listened to: the most important, without churn, and whoever is in doubt for a while."""

from hypothesis import given, strategies as st

from market_scraper.positions.slots import LOAN_SECONDS, MARGIN, TENURE_SECONDS, Slots

LATER = TENURE_SECONDS + 1


def standing(most: int, **importance: float) -> Slots:
    slots = Slots(most)
    slots.assign(importance, now=0)
    return slots


def test_the_most_important_have_the_places() -> None:
    assert standing(2, a=3, b=1, c=2).held == {"a", "c"}


def test_whoever_nothing_hangs_on_has_none() -> None:
    assert standing(2, a=3, b=0).held == {"a"}


def test_a_place_changes_hands_only_after_a_while_and_for_somebody_clearly_more_important() -> None:
    slots = standing(1, a=10, b=1)

    slots.assign({"a": 10, "b": 100}, now=TENURE_SECONDS - 1)
    early = slots.held
    slots.assign({"a": 10, "b": 10 * MARGIN - 1}, now=LATER)
    close = slots.held
    slots.assign({"a": 10, "b": 10 * MARGIN + 1}, now=LATER)

    assert [set(held) for held in (early, close, slots.held)] == [{"a"}, {"a"}, {"b"}]


def test_who_is_in_doubt_borrows_a_place_for_a_while() -> None:
    slots = standing(2, a=3, b=2, c=1)

    slots.ask("c")
    slots.lend(now=10)
    lent = slots.held
    slots.lend(now=10 + LOAN_SECONDS)
    slots.assign({"a": 3, "b": 2, "c": 1}, now=11 + LOAN_SECONDS)

    assert "c" in lent
    assert len(lent) == 2
    assert slots.held == {"a", "b"}


def test_a_settled_doubt_ends_the_loan_and_the_next_in_line_has_its_turn() -> None:
    slots = Slots(2)
    for address in ("a", "b"):
        slots.ask(address)
    slots.lend(now=0)
    first = slots.held

    slots.give_back("a")
    slots.lend(now=1)

    assert [set(held) for held in (first, slots.held)] == [{"a"}, {"b"}]


def test_without_places_nobody_is_listened_to() -> None:
    slots = standing(0, a=1)
    slots.ask("b")
    slots.lend(now=0)

    assert slots.held == frozenset()


steps = st.lists(
    st.tuples(
        st.sampled_from(["ask", "lend", "assign", "give_back", "leave"]),
        st.sampled_from("abcdefghij"),
        st.dictionaries(st.sampled_from("abcdefghij"), st.floats(0, 100), max_size=10),
        st.floats(0, 500),
    )
)


@given(most=st.integers(0, 8), steps=steps)
def test_there_are_never_more_than_there_are_places(
    most: int, steps: list[tuple[str, str, dict[str, float], float]]
) -> None:
    slots, now = Slots(most), 0.0
    for what, who, importance, seconds in steps:
        now += seconds
        match what:
            case "lend":
                slots.lend(now)
            case "assign":
                slots.assign(importance, now)
            case _:
                getattr(slots, what)(who)
        assert len(slots.held) <= most
