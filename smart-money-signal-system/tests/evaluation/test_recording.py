"""Real positions of leaderboard wallets, through the journal, cut anywhere."""

import os
import re
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pyarrow.compute as pc  # type: ignore[import-untyped]  # it ships no types
import pyarrow.parquet as pq  # type: ignore[import-untyped]  # it ships no types
import pytest
from hypothesis import given, settings, strategies as st
from msgspec import json

from shared_events.codec import encode
from shared_events.journal import decode_record, read
from signal_system.evaluation.replay import replay
from signal_system.fold import Fold, FoldConfig, FoldSnapshot
from signal_system.testing.day import Record

DATA = Path(os.environ.get("SMART_MONEY_DATA", Path(__file__).parents[4] / "shared" / "data"))
PANEL = DATA / "market" / "hyperliquid" / "whale_panel_202602"
SNAPSHOTS = 4
_LINKS = (b"hash", b"prev_hash")

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not PANEL.exists(), reason=f"no recordings at {DATA}"),
    pytest.mark.timeout(120),
]


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the journal of the panel's first snapshots, as the scraper's command does."""
    folder = tmp_path_factory.mktemp("panel")
    moments = pc.unique(pq.read_table(PANEL / "traders.parquet")["snapshot_ms"]).sort()
    last = moments[SNAPSHOTS - 1]
    for name in ("positions", "traders"):
        table = pq.read_table(PANEL / f"{name}.parquet")
        pq.write_table(
            table.filter(pc.less_equal(table["snapshot_ms"], last)), folder / f"{name}.parquet"
        )
    subprocess.run(
        [
            *(sys.executable, "-m", "market_scraper", "replay"),
            *(str(folder), "--journal", str(folder / "journal")),
        ],
        check=True,
        capture_output=True,
    )
    return folder / "journal"


@pytest.fixture(scope="module")
def records(journal: Path) -> list[Record]:
    return [decode_record(raw) for _, raw in read(journal)]


def signals_hash(records: list[Record], cuts: set[int]) -> str:
    fold, digest = Fold(FoldConfig()), sha256()
    for position, record in enumerate(records):
        for event in fold.apply(position, record):
            digest.update(encode(event))
        if position in cuts:
            saved = json.decode(fold.snapshot(), type=FoldSnapshot)
            fold = Fold(FoldConfig())
            fold.restore(saved)
    return digest.hexdigest()


def test_real_wallets_lead_to_opinions_on_both_sides_the_same_every_time(journal: Path) -> None:
    first, second = replay(journal, FoldConfig()), replay(journal, FoldConfig())

    assert first == second
    assert {"BUY", "SELL", "NEUTRAL"} == set(first.actions)
    assert first.coins["BTC"].voters > 50


def test_a_recorded_instant_is_decided_once(journal: Path) -> None:
    documents: list[bytes] = []
    replay(journal, FoldConfig(), keep=documents.append)

    told = [json.decode(document) for document in documents]
    btc = [each["as_of"] for each in told if each["coin"] == "BTC"]
    assert len(set(btc)) == SNAPSHOTS
    assert len(btc) == 3 * SNAPSHOTS


def test_somebody_with_the_documents_alone_can_check_the_chain(
    journal: Path, tmp_path: Path
) -> None:
    """As `docs/reference/signals.md` says it, with nothing of ours: bytes, a pattern, SHA-256."""
    out = tmp_path / "signals.ndjson"
    told = subprocess.run(
        [
            *(sys.executable, "-m", "signal_system", "replay"),
            *(str(journal), "--out", str(out)),
        ],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    before = b"0" * 64

    lines = out.read_bytes().splitlines()
    for line in lines:
        found, named = (re.search(rb'"%s":"([0-9a-f]{64})"' % key, line) for key in _LINKS)
        assert found is not None
        assert named is not None
        assert sha256(line.replace(found[1], b"", 1)).hexdigest().encode() == found[1]
        assert named[1] == before
        before = found[1]

    assert len(lines) > 1_000
    assert before.decode() in told


def test_no_signal_claims_what_nothing_has_calibrated(journal: Path) -> None:
    documents: list[bytes] = []
    replay(journal, FoldConfig(), keep=documents.append)

    for told in map(json.decode, documents):
        assert (told["calibrated"], told["expected_value_after_costs"]) == (False, None)
        assert told["confidence"] == pytest.approx(1 / 3)  # the panel has no candles


def test_it_may_be_cut_anywhere(records: list[Record]) -> None:
    whole = signals_hash(records, set())

    @settings(max_examples=5, deadline=None)
    @given(st.sets(st.integers(0, len(records) - 1), min_size=1, max_size=3))
    def cut(cuts: set[int]) -> None:
        assert signals_hash(records, cuts) == whole

    cut()
