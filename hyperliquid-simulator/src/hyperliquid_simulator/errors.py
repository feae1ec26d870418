"""What can go wrong here, classed by what the caller does about it."""


class ConfigError(Exception):
    """A setting cannot be used; the message says what to change. The process exits with 78."""


class RequestError(Exception):
    """A request the venue refuses; carries the HTTP status and body the venue answers with."""

    def __init__(self, status: int, body: bytes, content_type: str = "application/json") -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body
        self.content_type = content_type


def undeserializable() -> RequestError:
    """Return the venue's one answer to an unknown type, a missing field or broken JSON."""
    text = b"Failed to deserialize the JSON body into the target type"
    return RequestError(422, text, "text/plain")


def internal() -> RequestError:
    """Return the venue's answer to an unknown dex."""
    return RequestError(500, b"null")
