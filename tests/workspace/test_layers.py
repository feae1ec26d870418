import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINTER = Path(sys.executable).parent / "lint-imports"

PLANTED = [
    ("members", "signal_system/state.py", "import market_scraper"),
    ("members", "market_scraper/errors.py", "import hyperliquid_simulator"),
    (
        "venue",
        "hyperliquid_simulator/accounts/ledger.py",
        "import hyperliquid_simulator.world.flow",
    ),
    ("venue", "hyperliquid_simulator/world/world.py", "import hyperliquid_simulator.protocol.rest"),
    ("light-client", "smart_money_client/__init__.py", "import numpy"),
    ("scraper-no-ml", "market_scraper/errors.py", "import pandas"),
    ("pure-core", "signal_system/signal_generation/gates.py", "import aiohttp"),
    ("pure-core", "market_scraper/positions/ledger.py", "import asyncio"),
    ("pure-core", "signal_system/weighting_engine/engine.py", "import structlog"),
    ("one-home-per-driver", "market_scraper/storage/sqlite.py", "import motor"),
    ("composition-root", "market_scraper/cli.py", "import market_scraper.storage.sqlite"),
    ("training-apart", "signal_system/app.py", "import signal_system.training"),
    ("features-own-their-loop", "signal_system/ml/features/series.py", "import pandas"),
    ("api-asks-ports", "signal_system/api/web.py", "import sqlite3"),
    (
        "stores-independent",
        "market_scraper/storage/memory.py",
        "import market_scraper.storage.sqlite",
    ),
    ("acyclic", "signal_system/domain/trader.py", "import signal_system.state"),
]


CONTRACTS = {
    contract["id"]: contract["name"]
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ]
}


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy every package side by side."""
    folder = tmp_path_factory.mktemp("sources")
    for package in ROOT.glob("*/src/*"):
        if package.is_dir():
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(package, folder / package.name, ignore=ignore)
    return folder


def test_every_contract_has_a_violation_that_it_catches() -> None:
    assert {contract for contract, _, _ in PLANTED} == CONTRACTS.keys()


@pytest.mark.parametrize(("contract", "file", "line"), PLANTED)
def test_a_planted_violation_is_caught(contract: str, file: str, line: str, sources: Path) -> None:
    module = sources / file
    whole = module.read_text()

    module.write_text(f"{whole}\n{line}\n")
    try:
        said = subprocess.run(
            [LINTER, "--no-cache", "--config", ROOT / "pyproject.toml"],
            cwd=sources,
            env=os.environ | {"PYTHONPATH": str(sources)},
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        module.write_text(whole)

    assert said.returncode == 1
    assert f"{CONTRACTS[contract]} BROKEN" in said.stdout
