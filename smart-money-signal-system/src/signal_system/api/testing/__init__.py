"""What tests and benchmarks of the HTTP side, and of its clients, stand on."""
