"""Follows Hyperliquid traders live and publishes what they hold."""
