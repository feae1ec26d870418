"""Offline: fits what the running service loads, and says honestly what it is worth."""
