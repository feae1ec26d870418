"""Who holds what, and how sure we are: pure, no I/O, no clock."""
