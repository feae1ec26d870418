"""What the scraper keeps between two runs: one port, one module a store."""
