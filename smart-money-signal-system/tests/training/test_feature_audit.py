from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from shared_events.codec import encode
from shared_events.errors import DataError
from shared_events.journal import JournalWriter, encode_tick
from shared_events.testing.factories import NOON
from signal_system.ml.features.feed import Told, told
from signal_system.ml.features.regime import EwTrend, EwVolatility
from signal_system.ml.features.registry import smart_money
from signal_system.ml.features.spec import FeatureSpec
from signal_system.storage.served_features import ServedFeatures, ServedLogError
from signal_system.testing.events import book, candle, member
from signal_system.training.feature_audit import audit

SPEC = FeatureSpec("small", "1h", (EwVolatility(5), EwTrend(9)), 12, 6, 4)
SPECS = (SPEC, smart_money("1h"))
EVENTS = [
    member(1),
    *(
        event
        for hour in range(30)
        for event in (
            book(1, hour, {"BTC": hour}, 3600 * hour),
            candle("BTC", hour, 100 + hour % 7),
        )
    ),
]


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    with JournalWriter(tmp_path / "journal") as writer:
        writer.append([encode(event) for event in EVENTS])
        writer.append([encode_tick(NOON + timedelta(days=2))])
    return tmp_path / "journal"


@pytest.fixture
def served(tmp_path: Path) -> ServedFeatures:
    return ServedFeatures(tmp_path / "served")


def rows() -> list[Told]:
    return list(told(SPECS, EVENTS))


def test_what_was_served_truly_is_equal_to_the_bit(journal: Path, served: ServedFeatures) -> None:
    served.write(rows())

    found = audit(journal, served.read(), SPECS)

    assert {spec.hash for spec in SPECS} == set(found)
    for each in found.values():
        assert (each.share, each.missing, each.columns) == (1.0, 0, {})
        assert each.served == each.equal > 0


def test_one_bit_is_found_and_its_column_is_named(journal: Path, served: ServedFeatures) -> None:
    first, *others = (row for row in rows() if row.spec is SPEC)
    values = first.row.values.copy()
    values[1] = np.nextafter(values[1], np.float32(9))
    served.write([first._replace(row=first.row._replace(values=values)), *others])

    found = audit(journal, served.read(), SPECS)[SPEC.hash]

    assert found.columns == {"trend_9": 1}
    assert found.share == pytest.approx(1 - 1 / (1 + len(others)))


def test_what_the_journal_does_not_lead_to_is_missing(
    journal: Path, served: ServedFeatures
) -> None:
    row = rows()[-1]
    old = FeatureSpec("old", "1h", (EwTrend(3),), 12, 6, 4)
    served.write([row._replace(coin="ETH"), row._replace(spec=old)])

    found = audit(journal, served.read(), SPECS)

    assert [(each.served, each.missing, each.share) for each in found.values()] == [
        (1, 1, None),
        (1, 1, None),
    ]


def test_rows_are_kept_by_day_and_a_torn_line_is_left_out(
    served: ServedFeatures, tmp_path: Path
) -> None:
    served.write(rows())
    files = sorted((tmp_path / "served").iterdir())
    assert [file.name for file in files] == [
        f"{(NOON + timedelta(days=n)).date()}.jsonl" for n in range(2)
    ]
    before = len(list(served.read()))

    files[0].write_bytes(files[0].read_bytes()[:-5])

    assert len(list(served.read())) == before - 1


def test_days_that_are_over_are_forgotten(served: ServedFeatures, tmp_path: Path) -> None:
    served.write(rows())

    served.forget_before(NOON + timedelta(days=1))

    left = [file.name for file in (tmp_path / "served").iterdir()]
    assert left == [f"{(NOON + timedelta(days=1)).date()}.jsonl"]


def test_a_line_that_is_no_row_is_named(served: ServedFeatures, tmp_path: Path) -> None:
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "2026-01-01.jsonl").write_bytes(b"{}\n")

    with pytest.raises(DataError, match=r"2026-01-01.jsonl:1 is no served row"):
        list(served.read())


def test_a_disk_that_does_not_take_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "served").write_text("in the way")

    with pytest.raises(ServedLogError, match="cannot write"):
        ServedFeatures(tmp_path / "served").write(rows()[:1])
