import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from workspace.up import redis
from workspace.up.errors import UpError

BUNDLED = Path(sys.executable).parent / "redis-server"
pytestmark = pytest.mark.redis


@pytest.fixture
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a Redis on a socket."""
    folder = tmp_path_factory.mktemp("r")
    socket = folder / "s"
    server = subprocess.Popen(
        [BUNDLED, "--port", "0", "--unixsocket", socket, "--dir", folder, "--save", ""],
        stdout=subprocess.DEVNULL,
    )
    address = f"unix://{socket}"
    while not redis.answers(address):
        assert server.poll() is None
        time.sleep(0.01)
    yield address
    server.terminate()
    server.wait()


def test_a_redis_takes_the_events_of_one_venue_only(url: str) -> None:
    redis.claim(url, "demo")
    redis.claim(url, "demo")

    with pytest.raises(UpError, match=r"holds the events of 'demo'; those of 'api\.example\.org'"):
        redis.claim(url, "api.example.org")


def test_a_redis_that_is_away_is_named_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(UpError, match=r"redis://127\.0\.0\.1:9/0 does not answer") as e:
        redis.claim("redis://:secret@127.0.0.1:9/0", "demo")

    assert "secret" not in str(e.value)


def test_the_bundled_server_is_recent_enough_and_used_when_there_is_no_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert redis.version(BUNDLED) >= (6, 2)
    assert redis.redis_server(BUNDLED) == BUNDLED


def test_a_server_on_path_that_is_too_old_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    old = tmp_path / "redis-server"
    old.write_text("#!/bin/sh\necho 'Redis server v=5.0.14 sha=00000000:0'\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert redis.redis_server(BUNDLED) == BUNDLED


def test_without_any_server_the_way_out_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(UpError, match="apt-get install redis-server"):
        redis.redis_server(tmp_path / "none")
