"""Recordings of the venue, told again with their own times."""
