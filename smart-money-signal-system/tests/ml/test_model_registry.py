import io
import os
import pickle
import shutil
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import joblib  # type: ignore[import-untyped]
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from signal_system.ml.jump_regime import JumpRegime
from signal_system.ml.manifest import Manifest, canonical
from signal_system.ml.model_card import card
from signal_system.ml.model_kinds import KINDS, ModelRefusedError
from signal_system.ml.model_registry import (
    Aliases,
    ModelRegistry,
    NotPromotedError,
    UnknownModelError,
)
from signal_system.testing.forgery import forged
from signal_system.testing.regimes import CUTOFF, a_candidate, jump_parameters

NAME = "regime-BTC"
DAY = timedelta(days=1)


@pytest.fixture
def registry(tmp_path: Path) -> ModelRegistry:
    return ModelRegistry(tmp_path / "models")


def folder(registry: ModelRegistry, version: str) -> Path:
    return registry.root / NAME / version


def test_what_is_registered_is_loaded_as_it_was(registry: ModelRegistry) -> None:
    version = registry.add(a_candidate())

    loaded = registry.load(NAME, version)

    assert loaded.model == JumpRegime(version, jump_parameters())
    assert loaded.manifest.version == version
    assert registry.aliases(NAME) == Aliases(challenger=version)


def test_a_version_names_package_cutoff_commit_and_content(registry: ModelRegistry) -> None:
    version = registry.add(a_candidate())

    digest = registry.manifest(NAME, version).digest
    assert version == f"0.1.0-20260101-nogit-{digest[:12]}"


def test_the_same_content_made_twice_is_one_version(registry: ModelRegistry) -> None:
    first = registry.add(a_candidate())
    second = registry.add(a_candidate(created_at=CUTOFF + DAY))

    assert first == second
    assert registry.versions(NAME) == [first]


@pytest.mark.parametrize(
    "changed", [{"penalty": 6.0}, {"trials": 2}, {"seed": 1}, {"metrics": {}}, {"parent": "p"}]
)
def test_anything_else_is_another_version(registry: ModelRegistry, changed: object) -> None:
    assert isinstance(changed, dict)

    versions = {registry.add(a_candidate()), registry.add(a_candidate(**changed))}

    assert len(versions) == 2


def test_latest_and_best_are_by_date_and_by_metric(registry: ModelRegistry) -> None:
    old = registry.add(a_candidate(metrics={"r2": 0.2, "switches": 1}, created_at=CUTOFF + DAY))
    new = registry.add(a_candidate(metrics={"r2": 0.1, "switches": 9}, created_at=CUTOFF + 2 * DAY))
    registry.add(a_candidate(metrics={"r2": None}, created_at=CUTOFF))

    assert registry.latest(NAME) == new
    assert registry.best(NAME, "r2") == old
    assert registry.best(NAME, "switches") == new
    assert registry.best(NAME, "switches", lowest=True) == old
    assert registry.best(NAME, "nothing like it") is None
    assert registry.latest("regime-none") is None


def test_a_champion_becomes_previous_and_comes_back_by_one_call(registry: ModelRegistry) -> None:
    old, new = registry.add(a_candidate()), registry.add(a_candidate(penalty=6.0))

    registry.promote(NAME, old, CUTOFF)
    registry.promote(NAME, new, CUTOFF)
    assert registry.aliases(NAME) == Aliases(champion=new, previous=old)

    assert registry.rollback(NAME) == old
    assert registry.aliases(NAME) == Aliases(champion=old, previous=new)
    assert registry.rollback(NAME) == new


def test_before_the_first_champion_was_the_baseline(registry: ModelRegistry) -> None:
    version = registry.add(a_candidate())
    with pytest.raises(UnknownModelError, match="ever promoted"):
        registry.rollback(NAME)

    registry.promote(NAME, version, CUTOFF)

    assert registry.rollback(NAME) is None
    assert registry.aliases(NAME).champion is None


def test_a_shut_gate_or_an_old_age_keeps_a_version_from_serving(registry: ModelRegistry) -> None:
    failed = registry.add(a_candidate(passed=False))
    expired = registry.add(a_candidate(lasts=DAY))

    with pytest.raises(NotPromotedError, match="did not pass: any"):
        registry.promote(NAME, failed, CUTOFF)
    with pytest.raises(NotPromotedError, match="expired"):
        registry.promote(NAME, expired, CUTOFF + DAY)
    assert registry.aliases(NAME).champion is None

    registry.promote(NAME, failed, CUTOFF, force=True)
    assert registry.aliases(NAME).champion == failed


def append(path: Path) -> None:
    rewrite(path, path.read_bytes() + b" ")


def truncate(path: Path) -> None:
    rewrite(path, path.read_bytes()[:-1])


def empty(path: Path) -> None:
    rewrite(path, b"")


def as_pickle(path: Path) -> None:
    rewrite(path, pickle.dumps({"a": 1}))


def as_joblib(path: Path) -> None:
    buffer = io.BytesIO()
    joblib.dump({"a": 1}, buffer)
    rewrite(path, buffer.getvalue())


def remove(path: Path) -> None:
    path.unlink()


def as_link(path: Path) -> None:
    elsewhere = path.parents[3] / path.name
    shutil.copy(path, elsewhere)
    path.unlink()
    path.symlink_to(elsewhere)


def rewrite(path: Path, raw: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(raw)


@pytest.mark.parametrize("file", ["model.json", "manifest.json", "example.json", "MODEL_CARD.md"])
@pytest.mark.parametrize("damage", [append, truncate, empty, as_pickle, as_joblib, remove, as_link])
def test_a_damaged_version_never_loads(
    registry: ModelRegistry, file: str, damage: Callable[[Path], None]
) -> None:
    version = registry.add(a_candidate())
    damage(folder(registry, version) / file)

    with pytest.raises((ModelRefusedError, UnknownModelError)):
        registry.load(NAME, version)


@pytest.mark.parametrize("name", ["model.pkl", "model.joblib", "extra.json", "run.py", "a.npz"])
def test_a_file_too_many_is_refused(registry: ModelRegistry, name: str) -> None:
    version = registry.add(a_candidate())
    (folder(registry, version) / name).write_bytes(pickle.dumps(0))

    with pytest.raises(ModelRefusedError):
        registry.load(NAME, version)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_no_single_changed_byte_goes_unnoticed(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    registry = ModelRegistry(tmp_path_factory.mktemp("models"))
    version = registry.add(a_candidate())
    path = folder(registry, version) / data.draw(
        st.sampled_from(["model.json", "manifest.json", "example.json", "MODEL_CARD.md"])
    )
    raw = bytearray(path.read_bytes())
    place, bit = data.draw(st.integers(0, len(raw) - 1)), data.draw(st.integers(0, 7))
    raw[place] ^= 1 << bit
    rewrite(path, bytes(raw))

    with pytest.raises(ModelRefusedError):
        registry.load(NAME, version)


def test_a_manifest_signed_anew_over_another_model_does_not_pass_its_own_example(
    registry: ModelRegistry,
) -> None:
    """Somebody who knows the format may sign anything; the example shows what it answers."""
    good, other = a_candidate(), a_candidate(penalty=50.0)
    version = registry.add(good)
    example = (folder(registry, version) / "example.json").read_bytes()

    another = forged(registry, other.manifest, {**other.files, "example.json": example})

    with pytest.raises(ModelRefusedError, match="as it did when it was made"):
        registry.load(NAME, another)


def test_a_kind_that_this_build_does_not_know_is_refused(registry: ModelRegistry) -> None:
    version = registry.add(a_candidate())

    with pytest.raises(ModelRefusedError, match="no way to read"):
        ModelRegistry(registry.root, kinds={}).load(NAME, version)


@pytest.mark.parametrize("name", ["..", "../x", "/etc", "", ".hidden", "a/b", "a\0b", "x" * 200])
def test_a_name_is_never_a_way_out_of_the_registry(registry: ModelRegistry, name: str) -> None:
    registry.add(a_candidate())

    with pytest.raises(UnknownModelError):
        registry.load(name, "v")
    with pytest.raises(UnknownModelError):
        registry.load(NAME, name)


def test_whoever_reads_while_another_promotes_sees_one_champion_or_the_other(
    registry: ModelRegistry,
) -> None:
    versions = [registry.add(a_candidate(penalty=float(n))) for n in (5, 6)]
    registry.promote(NAME, versions[0], CUTOFF)
    done = threading.Event()

    def promote() -> None:
        for n in range(40):
            registry.promote(NAME, versions[n % 2], CUTOFF)
        done.set()

    thread = threading.Thread(target=promote)
    thread.start()
    seen = set()
    while not done.is_set():
        seen.add(registry.aliases(NAME).champion)
    thread.join()

    assert seen <= set(versions)


def test_two_who_promote_at_once_lose_nothing(registry: ModelRegistry) -> None:
    versions = [registry.add(a_candidate(penalty=float(n))) for n in range(1, 9)]
    promoters = [
        threading.Thread(target=registry.promote, args=(NAME, version, CUTOFF))
        for version in versions
    ]

    for each in promoters:
        each.start()
    for each in promoters:
        each.join()

    aliases = registry.aliases(NAME)
    assert aliases.champion in versions
    assert aliases.previous in versions
    assert aliases.champion != aliases.previous


def test_a_kill_while_registering_leaves_no_half_of_a_version(
    registry: ModelRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = 0

    def killed(fd: int) -> None:
        nonlocal written
        written += 1
        if written == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", killed)
    with pytest.raises(KeyboardInterrupt):
        registry.add(a_candidate())

    assert registry.versions(NAME) == []
    assert list((registry.root / NAME).iterdir()) == []


def test_the_card_says_what_people_need_to_know(registry: ModelRegistry) -> None:
    version = registry.add(a_candidate(passed=False, lasts=DAY))

    said = (folder(registry, version) / "MODEL_CARD.md").read_text()

    assert said == card(registry.manifest(NAME, version))
    assert version in said
    assert "did not pass every gate" in said
    assert "believed until 2026-01-02" in said
    assert "made up: 1 bars" in said


def test_every_kind_is_registered_by_its_own_name() -> None:
    assert all(kind.name == name for name, kind in KINDS.items())


def test_equal_manifests_are_equal_bytes() -> None:
    one, two = a_candidate().manifest, a_candidate().manifest

    assert canonical(one.model_dump(mode="json")) == canonical(two.model_dump(mode="json"))
    assert Manifest.model_validate_json(canonical(one.model_dump(mode="json"))) == one
