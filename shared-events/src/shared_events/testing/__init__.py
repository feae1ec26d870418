"""What other packages need to test against our ports: contracts, factories, fixtures."""
