"""What outlives the process beside the journal: one port, one SQLite file."""
