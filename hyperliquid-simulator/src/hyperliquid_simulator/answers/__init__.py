"""What the venue tells, as pure functions of the world. Imports no protocol."""
