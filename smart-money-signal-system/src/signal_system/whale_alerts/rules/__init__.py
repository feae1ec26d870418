"""The rules: adding one is a module here and a line in `whale_alerts.registry`."""
