"""Everything before the first live block, made at once. Imports accounts and coins."""
