"""What tests and benchmarks of the decisions stand on: events at given seconds, a whole day of them."""
