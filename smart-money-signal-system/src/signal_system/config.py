"""Everything about the signal system that may differ between two machines."""

import os
import re
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

import yaml
from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from shared_events.errors import ConfigError
from shared_events.runtime.config import refuse_misspelt
from signal_system.domain.rules import Rules
from signal_system.fold_config import FoldConfig
from signal_system.ml.band import Band
from signal_system.weighting_engine import WeightingConfig
from signal_system.whale_alerts.config import AlertRules

PREFIX = "SIGNAL_SYSTEM_"

_BUSES = ("redis", "rediss", "unix", "memory", "http", "https")
_CREDENTIALS = re.compile(r"://[^@/]*@")


class Settings(BaseSettings):
    """Read once, in the entry point, and passed down from there.

    Environment variables are ``SIGNAL_SYSTEM_<NAME>``, nested ones ``SIGNAL_SYSTEM_RULES__<NAME>``.

    Parameters
    ----------
    data_dir
        Where the journal, the store and the models live; a recording wants one of its own.
    rules, weighting
        What decides the signals; both enter the hash that every signal states.
    weighting_file
        A YAML file with constants of the weighting, nested as in `WeightingConfig`; variables win.
    baseline
        The band that tells the market's regime while no model does.
    alerts
        From when on a move is worth an alert.
    models
        The registry: where versions of models are kept and their champions named; without one it
        lies in `data_dir`.
    receivers_file
        A YAML file that names the webhooks and chats that are told of alerts and turns of signals.
    history_days
        How long issued signals are kept.
    journal_days
        How long the journal is kept: what is older can be neither replayed nor trained on.
    journal_fsync
        Whether every append waits for the disk: only a loss of power makes a difference.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", env_file=".env", extra="ignore", frozen=True
    )

    bus_url: Annotated[str, Field(max_length=500)] = "redis://127.0.0.1:6379/0"
    data_dir: Path = Path("var/signal-system")
    api_host: str = "127.0.0.1"
    api_port: Annotated[
        int,
        Field(ge=0, le=65_535, validation_alias=AliasChoices(f"{PREFIX}API_PORT", "API_PORT")),
    ] = 4341
    api_key: SecretStr | None = None
    rules: Rules = Field(default_factory=Rules)
    weighting: WeightingConfig = Field(default_factory=WeightingConfig)
    weighting_file: Path | None = None
    baseline: Band = Field(default_factory=Band)
    alerts: AlertRules = Field(default_factory=AlertRules)
    models: Path | None = None
    receivers_file: Path | None = None
    checkpoint_seconds: Annotated[float, Field(gt=0, le=300)] = 5.0
    checkpoint_records: Annotated[int, Field(ge=1)] = 20_000
    history_days: Annotated[float, Field(gt=0, le=3_650)] = 7.0
    journal_days: Annotated[float, Field(ge=1, le=36_500)] = 400.0
    journal_fsync: bool = False
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @classmethod
    def read(cls, **given: object) -> Self:
        """Read the environment, with those of `given` that are not None before it.

        What systemd hands over as a credential named like a variable counts where neither says so.

        Raises
        ------
        ConfigError
            Naming the variable and what to change.
        """
        refuse_misspelt(PREFIX, cls.model_fields)
        named = {_ALIASES.get(name, name): value for name, value in given.items()}
        try:
            return cls(
                _secrets_dir=os.environ.get("CREDENTIALS_DIRECTORY"),
                **{name: value for name, value in named.items() if value is not None},  # type: ignore[arg-type]
            )
        except SettingsError as e:
            field = "".join(re.findall(r'field "(\w+)"', str(e))).upper()
            raise ConfigError(
                f"{PREFIX}{field} is no JSON object: set each part of it on its own, as"
                f" {PREFIX}{field}__NAME."
            ) from e
        except ValidationError as e:
            first = e.errors(include_url=False)[0]
            path = "__".join(str(part) for part in first["loc"]).upper()
            variable = path if path.startswith((PREFIX, "API_PORT")) else PREFIX + path
            wrong = _CREDENTIALS.sub("://***@", str(first["input"]))[:100]
            advice = first["msg"].removeprefix("Value error, ")
            raise ConfigError(f"{variable} is {wrong!r}: {advice}.") from e

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return where settings come from, what counts most first; the weighting's file is last."""
        named = (init_settings, env_settings, dotenv_settings, file_secret_settings)
        path = next((told for each in named if (told := each().get("weighting_file"))), None)
        weighting = {} if path is None else {"weighting": _weighting(Path(path))}
        return (*named, InitSettingsSource(settings_cls, weighting))

    @field_validator("bus_url")
    @classmethod
    def _is_bus(cls, value: str) -> str:
        if urlsplit(value).scheme not in _BUSES:
            raise ValueError("set it to a URL such as redis://127.0.0.1:6379/0 or memory://")
        return value

    @property
    def journal(self) -> Path:
        """Where the journal's segments lie."""
        return self.data_dir / "journal"

    @property
    def registry(self) -> Path:
        """Where versions of models are kept."""
        return self.models or self.data_dir / "models"

    @property
    def served(self) -> Path:
        """Where the features that were served are kept, for the audit."""
        return self.data_dir / "served-features"

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.data_dir / "signals.db"

    def fold_config(self) -> FoldConfig:
        """Return what decides the signals, beside the models that the journal names."""
        return FoldConfig(
            rules=self.rules,
            weighting=self.weighting,
            baseline=self.baseline,
            alerts=self.alerts,
        )


_ALIASES = {"api_port": f"{PREFIX}API_PORT"}


def _weighting(path: Path) -> object:
    """Return what the file at `path` says; whether it makes sense is for the model to tell."""
    try:
        return yaml.safe_load(path.read_text()) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as e:
        raise ConfigError(f"{PREFIX}WEIGHTING_FILE: {path} is no YAML file: {e}") from e
