"""`audit` as a script uses it: shown, narrowed, verified, exported, and found when tampered with."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from services.config import Account, save_account
from services.outbound.log.audit import AUDIT_FILE, AuditLog
from services.outbound.log.store import OutboundStore
from services.paths import Paths
from tui.__main__ import main


class Script:
    """Runs `audit` in this process, as a configured account without a service."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        paths = Paths.from_environment()
        save_account(paths, Account("me", "assmbl", "https://api.example.com", "x.example", "a@x"))
        self.folder = paths.account_dir("me")

    def __call__(self, *words: str) -> tuple[int, str, str]:
        code = main(["audit", *words])
        said = self._capsys.readouterr()
        return code, said.out, said.err

    def json(self, *words: str, code: int = 0) -> Any:
        got, out, err = self(*words, "--json")
        assert got == code, err
        return json.loads(out)

    def record(self, count: int) -> None:
        store = OutboundStore.open(self.folder)
        audit = AuditLog(self.folder / AUDIT_FILE, store, lambda: 1_800_000_000)
        for n in range(1, count + 1):
            audit.record(
                "agent scout\x1b[J",
                "proposed",
                subject=f"mail {n}",
                digest="ab" * 32,
                reason="why",
            )
        store.close()

    @property
    def log(self) -> Path:
        return self.folder / AUDIT_FILE


@pytest.fixture
def script(capsys: pytest.CaptureFixture[str]) -> Script:
    return Script(capsys)


def test_an_empty_log_is_told_as_such(script: Script) -> None:
    assert script("show") == (0, "Nothing was recorded yet.\n", "")
    assert script("verify") == (0, "The audit log holds: 0 lines.\n", "")
    assert script("export") == (0, "", "")
    assert script.json("verify") == {"ok": True, "lines": 0}


def test_lines_are_shown_newest_first_and_narrowed_by_words(script: Script) -> None:
    script.record(3)
    code, out, _ = script("show")
    assert code == 0
    first = out.splitlines()[0]
    assert first.startswith("     3  2027-01-15 08:00:00  agent scout")
    assert first.endswith("mail 3  why  [abababababab]")
    assert "\x1b" not in out
    told = script.json("show", "MAIL", "2", "--limit", "5")
    assert told["total"] == 3
    assert [row["line"] for row in told["rows"]] == [2]
    assert told["rows"][0]["at"] == "2027-01-15T08:00:00Z"
    assert script("show", "nobody") == (0, "No line holds all of that.\n", "")


def test_an_export_goes_to_a_new_private_file_or_to_the_output(
    script: Script, tmp_path: Path
) -> None:
    script.record(2)
    file = tmp_path / "audit.jsonl"
    assert script.json("export", str(file)) == {"lines": 2, "file": str(file)}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    code, out, _ = script("export")
    assert (code, out) == (0, file.read_text())
    code, _, err = script("export", str(file))
    assert code == 2
    assert "is there already" in err


def test_a_changed_line_is_found_and_harms_no_terminal(script: Script) -> None:
    script.record(3)
    spoilt = script.log.read_bytes().replace(b"mail 2", b"mail \x1b", 1)
    script.log.write_bytes(spoilt)
    code, out, _ = script("verify")
    assert code == 1
    assert out.startswith("The audit log does not hold, line 2: ")
    assert script.json("verify", code=1)["line"] == 2
    for act in ("show", "export"):
        code, out, _ = script(act)
        assert code == 0
        assert "\x1b" not in out
