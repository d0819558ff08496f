"""Nothing secret reaches the debug log, and the log is private (S02, S04)."""

from __future__ import annotations

import asyncio
import logging
import stat
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from services.api.assmbl import AssmblClient
from services.errors import ConfigError, ServiceError
from services.redact import LOGGER, close_debug_log, open_debug_log, redact
from services.sandbox.records import Agent
from tests.conftest import SandboxControl
from tests.fakes.scripted_service import FakeSleep


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "state/debug.log"
    handler = open_debug_log(path)
    yield path
    close_debug_log(handler)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Authorization: Bearer tok-9d1f x", "Authorization: ***"),
        ("'authorization': 'Bearer tok-9d1f'", "'authorization': ***"),
        ("said bearer tok-9d1f, then", "said bearer ***, then"),
        ("GET https://a.example/x?X-Amz-Signature=9d1f done", "GET https://a.example/x?*** done"),
        ("https://a.example/#tok-9d1f", "https://a.example/?***"),
        ("https://user:pw9d1f@a.example/x", "https://***@a.example/x"),
        ("X-Amz-Credential=9d1f&x=1", "X-Amz-Credential=***&x=1"),
        ("token=9d1f", "token=***"),
        ("passphrase=9d1f", "passphrase=***"),
        ("-----BEGIN PGP PRIVATE KEY BLOCK-----\n9d1f", "***private key***"),
        ("list_inbox 200 75 bytes 4 ms", "list_inbox 200 75 bytes 4 ms"),
    ],
)
def test_what_looks_like_a_secret_is_taken_out(text: str, kept: str) -> None:
    assert redact(text) == kept


@pytest.mark.parametrize(
    "piece", ["Bearer ", "https://", "https://a?", "authorization:", "-----BEGIN PRIVATE KEY"]
)
def test_a_line_made_to_be_slow_is_cut(piece: str) -> None:
    assert len(redact(piece * 200_000)) <= 4_100


def test_the_log_is_private_and_tightened(tmp_path: Path) -> None:
    path = tmp_path / "debug.log"
    path.write_text("")
    path.chmod(0o666)
    close_debug_log(open_debug_log(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_log_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "debug.log").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="debug log"):
        open_debug_log(tmp_path / "debug.log")
    assert not (tmp_path / "elsewhere").exists()


def test_an_exception_is_told_by_its_type_only(log: Path) -> None:
    try:
        raise ValueError("secret 9d1f")
    except ValueError:
        logging.getLogger(f"{LOGGER}.x").exception("it failed\nfor good")
    line = log.read_text()
    assert line.endswith("it failed for good (ValueError)\n")
    assert "9d1f" not in line


def ask_like_a_library(url: str, token: str) -> None:
    httpx.get(url, trust_env=False)
    logging.getLogger("httpcore").debug("Authorization: Bearer %s", token)


async def test_a_debug_run_logs_no_query_no_header_and_no_body(
    log: Path, sandbox: SandboxControl, agent: Agent
) -> None:
    sandbox.add_mail(agent, "Subject: subject-canary\n\nbody-canary\n", message_id="id-canary")
    client = AssmblClient(sandbox.base_url, agent.token, sleep=FakeSleep())
    await client.list_inbox(q="canary")
    await client.get_message("id-canary")
    await client.patch_message_labels("id-canary", add=["label-canary"])
    sandbox.fault("status", agent, operation="list_inbox", status=500, times=None)
    with pytest.raises(ServiceError):
        await client.list_inbox(q="canary")
    await client.aclose()
    ask_like_a_library(f"{sandbox.base_url}/public/agents/x?query-canary=1", agent.token)
    written = await asyncio.to_thread(log.read_text)
    assert written.count("\n") == 7
    assert "list_inbox 500" in written
    assert "canary" not in written
    assert agent.token not in written
