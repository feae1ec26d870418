"""The past, asked for once: candles, funding, fills."""
