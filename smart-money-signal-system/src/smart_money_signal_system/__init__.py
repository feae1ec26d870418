"""The signal system under the name of its package; the code is in `signal_system`."""
