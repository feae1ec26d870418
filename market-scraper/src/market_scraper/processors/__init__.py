"""Trades in, bars out: pure."""
