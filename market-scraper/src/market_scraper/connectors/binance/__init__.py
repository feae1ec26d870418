"""Binance's USD-margined perpetuals: the deepest book beside Hyperliquid's own, as context.

A market is called ``binance:BTCUSDT``. Shapes are those of the venue's public documentation; **not seen live yet**.
"""
