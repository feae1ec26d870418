"""Where ports meet adapters, and nothing else happens."""
