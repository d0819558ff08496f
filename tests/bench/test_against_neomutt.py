"""The app against neomutt on as many mails, in one run of the shared pty harness: ratios only.

Needs `neomutt`, `pyte` and the harness in `../shared/perf`; says so when one is missing. Run it alone,
on a machine that does nothing else: `pytest tests/bench/test_against_neomutt.py -s`. BENCH_MESSAGES
(default 100,000) sets the size of both mailboxes, PERF_DIR keeps the Maildir between runs.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from services.sandbox.process import SandboxProcess

ROOT = Path(__file__).resolve().parents[2]
PERF = ROOT.parent / "shared" / "perf"
MESSAGES = int(os.environ.get("BENCH_MESSAGES", "100000"))
ROUNDS = 5

pytestmark = [
    pytest.mark.timeout(3_000),
    pytest.mark.skipif(not shutil.which("neomutt"), reason="neomutt is not installed"),
    pytest.mark.skipif(not PERF.is_dir(), reason=f"the pty harness is not at {PERF}"),
]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict[str, Any]]]:
    """Run both programs round by round and return their medians."""
    folder = tmp_path_factory.mktemp("peers")
    sandbox = SandboxProcess.start(messages=MESSAGES)
    try:
        environ = _account(sandbox, folder)
        subprocess.run(
            [sys.executable, "-m", "tui", "sync"], cwd=ROOT, env=os.environ | environ, check=True
        )
        yield _suite(folder, environ)
    finally:
        sandbox.stop()


def test_the_first_list_is_painted_in_at_most_two_fifths_of_neomutts_time(measured):
    assert _ratio(measured, "ready") <= 0.4


def test_memory_is_at_most_half_of_neomutts(measured):
    assert _ratio(measured, "pss") <= 0.5


def test_a_step_writes_at_most_one_and_a_half_times_neomutts_bytes(measured):
    ours, theirs = (measured[name]["step"]["bytes"] for name in ("agentmail-tui", "neomutt"))
    assert ours <= 1.5 * theirs


def test_a_step_takes_under_ten_milliseconds(measured):
    assert measured["agentmail-tui"]["step"]["last"] < 10


def test_the_last_key_of_a_filter_is_answered_in_under_a_tenth_of_a_second(measured):
    assert measured["agentmail-tui"]["filter"]["first"] < 100


def _ratio(measured: dict[str, dict[str, Any]], what: str) -> float:
    ratio = measured["agentmail-tui"][what] / measured["neomutt"][what]
    print(f"\n{what}: {measured['agentmail-tui'][what]:.1f} to {measured['neomutt'][what]:.1f}")
    return float(ratio)


def _account(sandbox: SandboxProcess, folder: Path) -> dict[str, str]:
    first = sandbox.accounts[0]
    return {
        "HOME": str(folder),
        "AGENTMAIL_API_BASE_URL": sandbox.base_url,
        "AGENTMAIL_TOKEN": first.token,
        "MAIL_DOMAIN": first.address.partition("@")[2],
    }


def _suite(folder: Path, environ: dict[str, str]) -> dict[str, dict[str, Any]]:
    perf_folder = os.environ.get("PERF_DIR", str(folder / "perf"))
    harness = os.environ | {"PERF_DIR": perf_folder}
    made = subprocess.run(
        [sys.executable, "peers.py", str(MESSAGES)],
        cwd=PERF, env=harness, check=True, capture_output=True, text=True,
    )  # fmt: skip
    peers = json.loads(Path(made.stdout.strip()).read_text())
    neomutt = next(peer for peer in peers if peer["name"].startswith("neomutt"))
    launch = "import sys; sys.path.insert(0, sys.argv.pop(1)); from tui.__main__ import main; raise SystemExit(main())"
    ours = {
        "name": "agentmail-tui",
        "cmd": [sys.executable, "-c", launch, str(ROOT)],
        "ready": "Invoice 4821",
        "env": environ,
        "phases": [
            {"name": "step", "keys": "j*30", "quiet": 40},
            {"name": "page", "keys": "<pgdn>*12", "quiet": 60},
            {"name": "filter", "kind": "type", "keys": "/invoice", "want": "found", "quiet": 300},
        ],
    }
    neomutt |= {"name": "neomutt", "phases": [{"name": "step", "keys": "j*30", "quiet": 40}]}
    suite, results = folder / "suite.json", folder / "results.json"
    suite.write_text(json.dumps([ours, neomutt]))
    for rounds in ("1", str(ROUNDS)):
        # The first round fills neomutt's header cache; the second counts.
        subprocess.run(
            [sys.executable, "ttybench.py", "suite", str(suite), "--rounds", rounds,
             "--json", str(results)],
            cwd=PERF, env=harness, check=True,
        )  # fmt: skip
    return {name: _medians(rounds) for name, rounds in json.loads(results.read_text()).items()}


def _medians(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {
        key: median(r[key] for r in rounds if r[key] is not None) for key in ("ready", "pss", "cpu")
    }
    for name in rounds[0]["phases"]:
        phases = [r["phases"][name] for r in rounds]
        found[name] = {
            key: median(phase[key] for phase in phases if phase[key] is not None)
            for key in ("first", "last", "bytes")
        }
    return found
