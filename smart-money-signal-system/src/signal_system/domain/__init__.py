"""Values and sums the decisions are made of: no I/O, no clock, no framework."""
