"""The long run among faults and limits, cut short, killed in between and resumed."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from workspace.testing.stack import until

pytestmark = [pytest.mark.long, pytest.mark.timeout(180)]

ROOT = Path(__file__).parents[2]
SHORT = ("--minutes", "3", "--traders", "250", "--coins", "64", "--trades", "60", "--speed", "15")


def command(folder: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "benchmarks.endurance", *SHORT, "--folder", str(folder), *more]


async def test_among_faults_no_limit_is_exceeded_and_what_is_told_is_true_over_a_kill(
    tmp_path: Path,
) -> None:
    record = tmp_path / "record.json"
    first = subprocess.Popen(command(tmp_path), cwd=ROOT, stderr=subprocess.DEVNULL)

    async def sampled() -> bool:
        return record.exists() and len(json.loads(record.read_text())["samples"]) >= 4

    try:
        await until(sampled, "some samples", 90)
    finally:
        first.kill()
        first.wait()
    resumed = await asyncio.to_thread(
        subprocess.run, command(tmp_path, "--resume"), cwd=ROOT, capture_output=True, check=False
    )

    found = json.loads(resumed.stdout)
    assert found["starts"] == 2
    assert not any(found["refused"].values())
    assert found["least_right"] >= 0.995
    assert found["holds"]["all right after the faults"], found["worst"]
    assert found["anchored"] == found["tracked"] >= 200
    assert found["troubles"] >= 8
    assert found["peaks"]["weight"] > 100
