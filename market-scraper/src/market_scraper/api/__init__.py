"""What an operator may ask over HTTP, on this machine only."""
