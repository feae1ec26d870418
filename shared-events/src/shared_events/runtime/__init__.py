"""What both services need to run: a clock, logs, a start and stop, health."""
