"""Why a start is refused or ends; each message is a sentence for the person at the terminal."""

from shared_events.errors import EXIT_CONFIG


class UpError(Exception):
    """Something a person has to change; the message says what.

    Parameters
    ----------
    message
        A sentence that names the thing and the way out.
    exit_code
        What ``scripts/up`` ends with.
    """

    def __init__(self, message: str, exit_code: int = EXIT_CONFIG) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class PartDiedError(UpError):
    """A part ended although nobody asked it to."""

    def __init__(self, message: str) -> None:
        super().__init__(message, exit_code=1)
