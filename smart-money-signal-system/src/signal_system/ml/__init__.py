"""What is learned from data: regimes today."""
