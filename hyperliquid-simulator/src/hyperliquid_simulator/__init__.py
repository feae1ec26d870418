"""A local venue that speaks Hyperliquid's public API, with planted traders and known truth."""
