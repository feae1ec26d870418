"""``python -m hyperliquid_simulator``."""

from hyperliquid_simulator.cli import main

main()
