"""What is listed and what it costs: coins, tokens, prices, candles, funding rates. Imports no other folder."""
