"""Who moved so much that somebody would want to know: pure, in event time."""
