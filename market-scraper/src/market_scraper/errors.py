"""The scraper's errors, under the shared taxonomy.

* `TransientError`
    * `SourceUnavailableError` -- no answer, a 5xx, or a ``null`` where a value belongs
    * `RateLimitedError` -- a 429
    * `StorageBusyError` -- somebody else writes to the database
    * `StorageAwayError` -- the database server does not answer
* `DataError`
    * `WireFormatError` -- the venue sent something we do not understand
    * `RecordingError` -- a recording does not hold what its kind promises
* `ConfigError`
    * `StorageError` -- the database cannot be used as it is
"""

from shared_events.errors import ConfigError, DataError, TransientError


class SourceUnavailableError(TransientError):
    """The venue did not answer, or answered that it cannot."""


class RateLimitedError(TransientError):
    """The venue asked us to slow down; `retry_after` is set when it said for how long."""


class StorageBusyError(TransientError):
    """Another process holds the database for longer than we waited."""


class StorageAwayError(TransientError):
    """The database server cannot be reached."""


class WireFormatError(DataError):
    """A venue message does not have the shape we know."""


class RecordingError(DataError):
    """A recording cannot be read as what it claims to be."""


class StorageError(ConfigError):
    """The database cannot be opened or is not ours; a person has to look."""
