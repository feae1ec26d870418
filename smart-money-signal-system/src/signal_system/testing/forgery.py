"""Versions of models put into a registry by somebody who knows how they are signed."""

from collections.abc import Mapping
from hashlib import sha256

from signal_system.ml.manifest import Manifest, canonical
from signal_system.ml.model_card import card
from signal_system.ml.model_registry import CARD, MANIFEST, ModelRegistry


def forged(registry: ModelRegistry, manifest: Manifest, files: Mapping[str, bytes]) -> str:
    """Put a version with these `files` there, signed as it should be, and return it."""
    hashes = {file: sha256(raw).hexdigest() for file, raw in files.items()}
    signed = manifest.model_copy(update={"files": hashes}).signed()
    target = registry.root / signed.name / signed.version
    target.mkdir(parents=True)
    for file, raw in files.items():
        (target / file).write_bytes(raw)
    (target / MANIFEST).write_bytes(canonical(signed.model_dump(mode="json")))
    (target / CARD).write_text(card(signed))
    return signed.version
