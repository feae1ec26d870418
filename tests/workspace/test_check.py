import subprocess
from pathlib import Path

import pytest

from workspace import check

ROOT = Path(__file__).resolve().parents[2]


def test_types_are_checked_wherever_there_is_python() -> None:
    looked_at = {argument for step in check.steps(ROOT) for argument in step.command}

    tracked = subprocess.run(
        ["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    unseen = [
        file
        for file in tracked
        if file not in looked_at and not any(file.startswith(f"{a}/") for a in looked_at)
    ]
    assert unseen == []


@pytest.mark.parametrize(("step", "code", "says"), [("pins", 0, "ok "), ("nonsense", 1, "")])
def test_one_step_can_be_asked_for(step: str, code: int, says: str) -> None:
    done = subprocess.run(
        [ROOT / "scripts/check", step], capture_output=True, text=True, check=False
    )

    assert done.returncode == code
    assert done.stdout.startswith(says)


def test_a_failing_step_shows_its_whole_output_and_fails_the_check(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = check.Step("broken", ("python", "-c", "print('the reason'); raise SystemExit(3)"))
    monkeypatch.setattr(check, "steps", lambda root: iter([broken]))
    monkeypatch.setattr("sys.argv", ["scripts/check"])

    assert check.main() == 1
    said = capsys.readouterr().out
    assert "FAIL" in said
    assert "the reason" in said
    assert "1 of 1 checks failed: broken" in said
