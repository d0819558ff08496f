"""schemathesis drives the sandbox from the generated OpenAPI document: no check may fail.

A bounded run with a fixed seed. A longer one by hand: `AGENTMAIL_FUZZ=200 pytest
tests/contracts/test_schemathesis.py` (examples per operation, stateful phase included).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.api.openapi import document
from services.api.routes import ROUTES

# Read before the fixtures clear the environment.
EXAMPLES = int(os.environ.get("AGENTMAIL_FUZZ", "4"))

# What a schema cannot say: a cursor must be one that the service gave, and a PEM must hold a key. So
# these two operations may answer 400 to data that fits the schema.
CONFIG = """
headers = {{ Authorization = "Bearer {token}" }}

[[operations]]
include-name = ["GET /inbox", "POST /directory/register"]
checks.positive_data_acceptance.expected-statuses = ["2xx", "400", "401", "403", "404", "409"]
"""


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_no_generated_request_finds_a_fault(sandbox, agent, tmp_path: Path):
    sandbox.fill(agent, 40)
    config = tmp_path / "schemathesis.toml"
    config.write_text(CONFIG.format(token=agent.token))
    schema = tmp_path / "openapi.json"
    schema.write_text(json.dumps(document()))
    phases = "coverage,fuzzing" if EXAMPLES < 50 else "coverage,fuzzing,stateful"
    command = [
        sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run", str(schema),
        "--url", sandbox.base_url, "--seed", "20261121", "--max-examples", str(EXAMPLES),
        "--phases", phases, "--continue-on-failure", "--no-color", "--generation-database", "none",
    ]  # fmt: skip
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]
    assert f"Tested: {len(ROUTES)}" in run.stdout
    assert sandbox.http.get("/_sandbox/health").status_code == 200
