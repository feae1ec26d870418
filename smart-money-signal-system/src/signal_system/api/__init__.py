"""The HTTP side: reads what the service knows, never decides."""
