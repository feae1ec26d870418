"""The table of known failures names a test for every one that concerns a reader."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "docs" / "reference" / "faults.md"
ROWS = 34
NOT_HANDLED = {34}


def rows() -> dict[int, str]:
    cells = (line.split("|") for line in TABLE.read_text().splitlines() if re.match(r"\| \d", line))
    return {int(row[1]): row[4].strip() for row in cells}


def test_every_failure_is_named_once() -> None:
    assert list(rows()) == list(range(1, ROWS + 1))


def test_the_tests_it_names_are_there() -> None:
    for number, proof in rows().items():
        if number in NOT_HANDLED:
            assert proof == "—"
            continue
        path, _, name = proof.strip("`").partition("::")
        folder = ROOT if path.startswith("tests/") else ROOT / "market-scraper" / "tests"
        assert re.search(rf"^(async )?def {name}\(", (folder / path).read_text(), re.MULTILINE), (
            proof
        )


def test_channels_that_name_nobody_or_are_gone_are_not_used() -> None:
    sources = (ROOT / "market-scraper" / "src").rglob("*.py")
    text = "".join(source.read_text() for source in sources)

    assert not re.findall(r"\b(orderUpdates|userEvents|webData2|webData3)\b", text)
