"""What can go wrong, arranged by what a bot should do about it.

* `SmartMoneyError`
    * `ServiceUnavailableError` -- it was asked again several times; wait, or trade without it
        * `NotLiveError` -- it answers, but is not live yet
    * `UnauthorizedError` -- set the right key
    * `UnknownCoinError` -- the coin has no signal
    * `RefusedError` -- the request is wrong; the message says how
    * `ContractError` -- the answer is not what this version understands; update the client
"""


class SmartMoneyError(Exception):
    """Base of every error this package raises on purpose."""


class ServiceUnavailableError(SmartMoneyError):
    """The service cannot be reached, or says that it cannot answer right now."""


class NotLiveError(ServiceUnavailableError):
    """The service is up but was not live in the time it was given."""


class RefusedError(SmartMoneyError):
    """The service turned the request down.

    Parameters
    ----------
    status
        The HTTP status.
    code
        The service's one-word reason.
    message
        What went wrong, and what to do about it.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class UnauthorizedError(RefusedError):
    """The key is missing or wrong."""


class UnknownCoinError(RefusedError):
    """The service has no signal for this coin."""


class ContractError(SmartMoneyError):
    """The answer does not have the shape this version of the client knows."""
