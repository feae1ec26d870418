"""What is configured already: the environment, and ``.env`` as the services read it."""

import os
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

from workspace.up.errors import UpError

_BUS_SETTINGS = ("MARKET_SCRAPER_BUS_URL", "SIGNAL_SYSTEM_BUS_URL", "REDIS_URL")


def configured(root: Path) -> dict[str, str]:
    """Return the settings in force; the environment wins over ``.env``."""
    file = {k: v for k, v in dotenv_values(root / ".env").items() if v is not None}
    return file | dict(os.environ)


def configured_bus(settings: Mapping[str, str]) -> str | None:
    """Return the Redis that the settings name, or None to start one.

    Raises
    ------
    UpError
        If the two services are told to meet at different places.
    """
    named = {name: settings[name] for name in _BUS_SETTINGS if settings.get(name)}
    services = {url for name, url in named.items() if name != "REDIS_URL"}
    if len(services) > 1:
        raise UpError(
            "MARKET_SCRAPER_BUS_URL and SIGNAL_SYSTEM_BUS_URL differ, so the services would never "
            "meet: set both to one Redis, or neither to get a private one"
        )
    return next(iter(services or named.values()), None)
