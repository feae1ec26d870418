"""What a version says of itself to people: generated from its manifest, and from nothing else."""

from collections.abc import Callable

from signal_system.ml.manifest import Gate, Manifest


def card(manifest: Manifest) -> str:
    """Return the card in Markdown."""
    sections = (f"## {title}\n\n{text(manifest)}\n" for title, text in _SECTIONS.items())
    return f"# {manifest.name} {manifest.version}\n\n{_opening(manifest)}\n\n" + "\n".join(sections)


def _opening(manifest: Manifest) -> str:
    until = manifest.expires_at
    kept = "It does not expire." if until is None else f"It is believed until {until:%Y-%m-%d}."
    verdict = "Every gate is open." if manifest.passed else "**It did not pass every gate.**"
    return (
        f"A `{manifest.kind}`, made at {manifest.created_at:%Y-%m-%d %H:%M} UTC from what was known"
        f" until {manifest.data_until:%Y-%m-%d %H:%M}. {kept} {verdict}"
    )


def _gates(manifest: Manifest) -> str:
    head = "| | value | threshold | passed |\n|---|---|---|---|\n"
    return head + "\n".join(_row(gate) for gate in manifest.gates)


def _row(gate: Gate) -> str:
    passed = "yes" if gate.passed else "**no**"
    return f"| {gate.name}: {gate.says} | {_number(gate.value)} | {gate.threshold:g} | {passed} |"


def _metrics(manifest: Manifest) -> str:
    rows = (f"| {name} | {_number(value)} |" for name, value in sorted(manifest.metrics.items()))
    said = f"Out of sample; {manifest.trials} variants were looked at before, on other data."
    return f"{said}\n\n| | |\n|---|---|\n" + "\n".join(rows)


def _data(manifest: Manifest) -> str:
    return "\n".join(
        f"* {each.source}: {each.rows} bars from {each.first:%Y-%m-%d} to {each.last:%Y-%m-%d},"
        f" {each.missing} missing, SHA-256 `{each.sha256}`"
        for each in manifest.data
    )


def _signature(manifest: Manifest) -> str:
    signature = manifest.signature
    return (
        f"Features `{', '.join(signature.features)}` of definition"
        f" `{signature.features_hash[:12]}`; {signature.output}: {', '.join(signature.classes)}."
    )


def _origin(manifest: Manifest) -> str:
    origin = manifest.origin
    return (
        f"Package {origin.package}, commit {origin.git_commit or 'unknown'}, pins"
        f" `{origin.pins_sha256[:12]}`, seed {manifest.seed}, parent {manifest.parent or 'none'}."
    )


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.4g}"


_SECTIONS: dict[str, Callable[[Manifest], str]] = {
    "Gates": _gates,
    "Metrics": _metrics,
    "Data": _data,
    "In and out": _signature,
    "Origin": _origin,
}
