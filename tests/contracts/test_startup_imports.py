"""What start-up imports, proved in a fresh interpreter: slow libraries stay out until needed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = (
    "httpx",
    "pgpy",
    "keyring",
    "turbohtml",
    "starlette",
    "uvicorn",
    "aiosmtpd",
    "msgspec",
    "tenacity",
    "websockets",
    "boto3",
    "botocore",
)


def _modules_after(code: str) -> set[str]:
    script = f"import sys, json; sys.path.insert(0, {str(ROOT)!r})\n{code}\nprint('\\n' + json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("module", ["tui.app", "tui.screens.mail", "services.engine"])
def test_the_first_frame_needs_no_network_crypto_or_server_library(module: str) -> None:
    loaded = _modules_after(f"import {module}")
    assert not loaded.intersection(HEAVY)


def test_the_first_frame_loads_nothing_about_keys() -> None:
    loaded = _modules_after("import tui.app, tui.screens.mail, tui.bridge")
    about_keys = {"services.key_models", "services.key_events", "services.seal_models"}
    about_keys |= {
        "tui.key_news",
        "tui.screens.keys",
        "tui.screens.sealed_mail",
        "widgets.key_words",
    }
    assert not loaded.intersection(about_keys)
    assert not [name for name in loaded if name.startswith(("services.crypto", "services.keys"))]


def test_the_first_frame_loads_nothing_about_writing_and_sending() -> None:
    loaded = _modules_after("import tui.app, tui.screens.mail, tui.bridge, services.engine")
    about_mail = {"services.draft", "services.outbound_models", "services.outbound_events"}
    about_mail |= {"services.transfer_models", "services.transfer_events", "services.posting"}
    about_mail |= {"tui.outbound_news", "tui.screens.side_screen", "tui.screens.outbound"}
    assert not loaded.intersection(about_mail)
    assert not [name for name in loaded if name.startswith("services.outbound.")]


@pytest.mark.parametrize(
    "arguments", [["--version"], ["--help"], ["list", "--help"], ["render", "--help"]]
)
def test_verbs_do_not_import_the_screens(arguments: list[str]) -> None:
    loaded = _modules_after(f"from tui.__main__ import main; main({arguments!r})")
    assert "textual" not in loaded
    assert "httpx" not in loaded


def test_services_do_not_import_textual() -> None:
    loaded = _modules_after("import services.engine, services.reading.render, services.cache.store")
    assert not loaded.intersection({"textual", "rich"})
