"""What the README shows, runs."""

import re
from pathlib import Path

import pytest

README = (Path(__file__).parents[1] / "README.md").read_text()
SNIPPETS = re.findall(r"## ([^\n]+)\n\n```python\n(.*?)```", README, re.DOTALL)
PRINTED = {
    "Publish and consume": "98123.5\n",
    "Read a journal": "0 trader_positions\n1 a tick\n2\n",
    "Run a service": "",
}


@pytest.mark.parametrize(("title", "snippet"), SNIPPETS, ids=[title for title, _ in SNIPPETS])
def test_a_snippet_prints_what_it_should(
    title: str, snippet: str, capsys: pytest.CaptureFixture[str]
) -> None:
    exec(compile(snippet, title, "exec"), {"__name__": "readme"})

    assert capsys.readouterr().out == PRINTED[title]


def test_every_snippet_is_run() -> None:
    assert len(SNIPPETS) == README.count("```python")
