"""What the venue's documentation leaves open, asked of the venue itself."""
