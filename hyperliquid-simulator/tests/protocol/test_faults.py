"""What is written in a faults file happens, at its time, for its time, and nothing else."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from hyperliquid_simulator.errors import ConfigError
from hyperliquid_simulator.protocol.failures import FAULTS, ChannelFault, Effect
from hyperliquid_simulator.protocol.faults import Faults, listing, parse_fault, read_faults, written
from hyperliquid_simulator.world.world import World


class Hand:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


@pytest.mark.parametrize("kind", FAULTS)
def test_every_kind_lasts_as_long_as_it_says_and_no_longer(kind: str, world: World) -> None:
    clock = Hand()
    faults = Faults([parse_fault({"kind": kind, "at": 10, "for": 5})], clock, world)

    lasting = []
    for clock.time in (9.9, 10.0, 14.9, 15.0):
        faults.advance()
        lasting.append([row["kind"] for row in faults.report()["going"]])

    assert lasting == [[], [kind], [kind], []]


@pytest.mark.parametrize("kind", FAULTS)
def test_every_kind_reads_what_it_writes_and_is_explained_with_its_parameters(kind: str) -> None:
    fault = parse_fault({"kind": kind, "at": 3.5, "for": 7})
    row = orjson.loads(written(fault))

    assert parse_fault(row) == fault
    assert row["kind"] == kind
    for word in (kind, *(row.keys() - {"kind", "at", "for"})):
        assert f"`{word}`" in listing()


def test_only_faults_without_a_time_begin_now(world: World) -> None:
    clock = Hand()
    faults = Faults([], clock, world)
    clock.time = 50.0

    faults.add({"kind": "refuse", "for": 5})
    faults.add({"kind": "bad_gateway", "at": 60, "for": 5})

    report = faults.report()
    assert [(f["kind"], f["at"]) for f in report["going"]] == [("refuse", 50.0)]
    assert [(f["kind"], f["at"]) for f in report["waiting"]] == [("bad_gateway", 60.0)]


@pytest.mark.parametrize("kind", [k for k, cls in FAULTS.items() if issubclass(cls, ChannelFault)])
def test_what_happens_to_frames_can_happen_to_one_channel(kind: str, world: World) -> None:
    faults = Faults([parse_fault({"kind": kind, "channel": "trades"})], Hand(), world)
    faults.advance()

    assert faults.of_channel("trades")
    assert not faults.of_channel("bbo")


def test_faults_of_one_kind_may_overlap(world: World) -> None:
    clock = Hand()
    rows = [{"kind": "lagging_state", "at": at, "for": 5} for at in (0, 3)]
    skews = [{"kind": "clock_skew", "ms": ms, "for": 5} for ms in (100, -30)]
    faults = Faults([parse_fault(row) for row in rows + skews], clock, world)

    faults.advance()
    assert faults.skew_ms == 70
    clock.time = 6.0
    faults.advance()

    assert faults.has(Effect.STATE_STALLED)
    assert faults.skew_ms == 0


@pytest.mark.parametrize(
    ("row", "advice"),
    [
        ("refuse", "its kind must be one of refuse,"),
        ({"kind": "earthquake"}, "its kind must be one of refuse,"),
        ({"kind": "refuse", "for": -1}, "must be seconds"),
        ({"kind": "refuse", "at": True}, "must be seconds"),
        ({"kind": "refuse", "chanel": "x"}, "knows no 'chanel', only at, for."),
        ({"kind": "silent_sockets", "channel": 3}, "'channel' must be a name"),
        ({"kind": "short_gap", "trades": 31}, "'trades' must be a whole number, 1 to 30."),
        ({"kind": "short_gap", "trades": 2.5}, "'trades' must be a whole number, 1 to 30."),
        ({"kind": "long_gap", "trades": 30}, "31 to 10000."),
        (
            {"kind": "hidden_change", "change": "magic"},
            "'change' is one of backstop, deleveraging,",
        ),
        ({"kind": "clock_skew", "ms": "much"}, "'ms' must be a number, -60000 to 60000."),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_with_advice(row: Any, advice: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_fault(row)

    assert advice in str(refused.value)


@pytest.mark.parametrize(
    "row",
    [{"kind": "long_gap", "coin": "NOPE"}, {"kind": "crowded_blocks", "user": "0x" + "0" * 40}],
)
def test_what_a_world_does_not_have_is_refused_before_it_is_due(
    row: dict[str, Any], world: World
) -> None:
    with pytest.raises(ConfigError):
        Faults([parse_fault(row | {"at": 100})], Hand(), world)


@pytest.mark.parametrize("content", [b"{", b"{}", b'["refuse"]', b'[{"kind": "earthquake"}]'])
def test_a_faults_file_that_makes_no_sense_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "faults.json"
    path.write_bytes(content)

    with pytest.raises(ConfigError):
        read_faults(path)


def test_a_missing_faults_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_faults(tmp_path / "none.json")
