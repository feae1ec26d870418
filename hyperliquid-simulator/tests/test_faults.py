from pathlib import Path

import pytest

from hyperliquid_simulator.errors import ConfigError
from hyperliquid_simulator.faults import FAULTS, Faults, parse_fault, read_faults


@pytest.mark.parametrize("kind", FAULTS)
def test_every_fault_breaks_something_while_it_lasts_and_nothing_outside(kind: str) -> None:
    def broken(now: float) -> bool:
        faults = Faults([parse_fault({"kind": kind, "at": 10, "for": 5})], lambda: now)
        return (
            faults.refusal() is not None
            or faults.sockets_dropped()
            or faults.silenced("trades")
            or faults.state_stalled()
        )

    assert [broken(now) for now in (9.9, 10.0, 14.9, 15.0)] == [False, True, True, False]


def test_a_silence_can_be_of_one_channel() -> None:
    fault = parse_fault({"kind": "silent_sockets", "for": 5, "channel": "trades"})
    faults = Faults([fault], lambda: 1.0)

    assert faults.silenced("trades")
    assert not faults.silenced("bbo")


@pytest.mark.parametrize(
    "content",
    [b"{", b"{}", b'["refuse"]', b'[{"kind": "earthquake"}]', b'[{"kind": "refuse", "for": -1}]'],
)
def test_a_faults_file_that_makes_no_sense_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "faults.json"
    path.write_bytes(content)

    with pytest.raises(ConfigError):
        read_faults(path)


def test_a_missing_faults_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_faults(tmp_path / "none.json")
