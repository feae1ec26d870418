"""What is collected from Hyperliquid: one module a collector, one line in `manager.build`."""
