"""Decides what each coin's tracked traders say together, and answers for it."""
