from pathlib import Path

import pytest

from shared_events.errors import ConfigError
from signal_system.config import Settings
from signal_system.fold_config import FoldConfig
from signal_system.ml.band import Band
from signal_system.weighting_engine import WeightingConfig


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("API_PORT", raising=False)


def test_the_defaults_run_on_a_laptop() -> None:
    settings = Settings.read()

    assert (settings.api_host, settings.api_port) == ("127.0.0.1", 4341)
    assert settings.bus_url == "redis://127.0.0.1:6379/0"


@pytest.mark.parametrize("name", ["API_PORT", "SIGNAL_SYSTEM_API_PORT"])
def test_the_port_has_two_names(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "5000")

    assert Settings.read().api_port == 5000


def test_nested_settings_are_named_with_two_underscores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNAL_SYSTEM_RULES__CONVICTION", "0.4")
    before = Settings.read(rules={"conviction": 0.2}).fold_config()

    after = Settings.read().fold_config()

    assert after.rules.conviction == 0.4
    assert after.hash != before.hash


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SIGNAL_SYSTEM_BUS_URL", "ftp://me:secret@host", "redis://127.0.0.1:6379/0"),
        ("SIGNAL_SYSTEM_API_PORT", "99999", "SIGNAL_SYSTEM_API_PORT is '99999'"),
        ("SIGNAL_SYSTEM_RULES__MIN_VOTERS", "0", "SIGNAL_SYSTEM_RULES__MIN_VOTERS is '0'"),
        ("SIGNAL_SYSTEM_RULES__CONVICTION_KEPT", "0.9", "must not be above conviction"),
        ("SIGNAL_SYSTEM_WEIGHTING__SCHEME", "astrology", "score-over-100-v1"),
        ("SIGNAL_SYSTEM_WEIGHTING__SKILL__PROVEN_FALSE", "0.9", "must not be above promising"),
        ("SIGNAL_SYSTEM_WEIGHTING__CROWDING__ENTITY_CAP", "0.9", "must not be above cluster_cap"),
        ("SIGNAL_SYSTEM_WEIGHTING_FILE", "nowhere.yaml", "nowhere.yaml is no YAML file"),
        ("SIGNAL_SYSTEM_LOG_LEVEL", "loud", "SIGNAL_SYSTEM_LOG_LEVEL"),
    ],
)
def test_a_wrong_setting_is_named_with_what_to_change_and_without_secrets(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(ConfigError) as caught:
        Settings.read()

    assert said in str(caught.value)
    assert "secret" not in str(caught.value)


def test_the_baseline_is_part_of_what_decides() -> None:
    settings = Settings.read(baseline={"window": 50, "width": 0.03})

    assert settings.fold_config().baseline == Band(window=50, width=0.03)
    assert settings.fold_config().hash != Settings.read().fold_config().hash


def test_a_key_that_systemd_hands_over_is_read_and_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "signal_system_API_KEY").write_text("s3cret-and-long-enough-to-be-a-key")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))

    settings = Settings.read()

    assert settings.api_key is not None
    assert settings.api_key.get_secret_value() == "s3cret-and-long-enough-to-be-a-key"
    assert "s3cret" not in repr(settings)


def test_a_misspelt_setting_is_refused_with_the_right_spelling(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SIGNAL_SYSTEM_BUS_ULR", "redis://127.0.0.1:1/0")

    with pytest.raises(ConfigError, match="did you mean SIGNAL_SYSTEM_BUS_URL"):
        Settings.read()


def test_constants_of_the_weighting_come_from_a_file_and_variables_win(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "weighting.yaml"
    file.write_text("scheme: equal-v1\nskill: {lead_prior: 2.0, least_voters: 50}\n")
    monkeypatch.setenv("SIGNAL_SYSTEM_WEIGHTING_FILE", str(file))
    monkeypatch.setenv("SIGNAL_SYSTEM_WEIGHTING__SKILL__LEAST_VOTERS", "30")

    config = Settings.read().fold_config()

    assert config.weighting.scheme == "equal-v1"
    assert (config.weighting.skill.lead_prior, config.weighting.skill.least_voters) == (2.0, 30)
    assert config.hash != FoldConfig().hash


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("skil: {}", "WEIGHTING__SKIL"),
        ("skill: {lead_prior: -1}", "SKILL__LEAD_PRIOR is '-1'"),
        ("- a\n- b", "SIGNAL_SYSTEM_WEIGHTING"),
        ("{", "is no YAML file"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_with_the_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    file = tmp_path / "weighting.yaml"
    file.write_text(text)
    monkeypatch.setenv("SIGNAL_SYSTEM_WEIGHTING_FILE", str(file))

    with pytest.raises(ConfigError, match=said):
        Settings.read()


@pytest.mark.parametrize("section", sorted(WeightingConfig.model_fields.keys() - {"scheme", "arm"}))
def test_every_constant_of_the_weighting_is_part_of_the_hash(section: str) -> None:
    plain = WeightingConfig()
    rules = getattr(plain, section)

    for name, value in rules.model_dump().items():
        changed = rules.model_copy(update={name: value + type(value)(1)})
        weighting = plain.model_copy(update={section: changed})
        assert FoldConfig(weighting=weighting).hash != FoldConfig().hash, name
