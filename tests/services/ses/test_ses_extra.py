"""SES is an extra: what happens without it, what it costs before it is used, and who may use it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from services.api.ses import INSTALL, SesTransport, is_installed
from services.errors import ConfigError
from services.service_config import SesPlace

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def without_boto3(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] in ("boto3", "botocore")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "boto3", None)


async def test_without_the_extra_one_sentence_says_how_to_install_it(without_boto3: None) -> None:
    assert not is_installed()
    transport = SesTransport(SesPlace("ada@agents.example.com", "us-east-1"))
    with pytest.raises(ConfigError) as error:
        await transport.standing()
    assert str(error.value) == INSTALL
    assert INSTALL.count(".") == 1
    assert "pip install 'agentmail-tui[ses]'" in INSTALL


def test_importing_the_transport_loads_no_boto3_and_no_markdown() -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "import services.api.ses, services.api.ses_mime, services.api.ses_html\n"
        "print([n for n in ('boto3', 'botocore', 'markdown_it') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_nothing_but_this_module_knows_boto3_and_nothing_but_its_transport_this_module() -> None:
    knowing, using = set(), set()
    for folder in ("services", "tui", "widgets"):
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text()
            place = str(path.relative_to(ROOT))
            if re.search(r"\bboto(3|core)\b", text) and "sandbox" not in path.parts:
                knowing |= {place} if _imports(text, ("boto3", "botocore")) else set()
            if re.search(r"\bses\b", text):
                using |= {place} if _imports(text, ("services.api.ses",)) else set()
    assert knowing == {"services/api/ses.py", "services/api/ses_failures.py"}
    assert using == {"services/outbound/gate/transports/ses.py"}


def _imports(text: str, wanted: tuple[str, ...]) -> bool:
    for node in ast.walk(ast.parse(text)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            if any(name == one or name.startswith(f"{one}.") for one in wanted):
                return True
    return False
