"""The policy of an account as it is written: read whole, or refused with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from services.config import Account, load, save_account
from services.errors import ConfigError
from services.paths import Paths
from services.policy_config import (
    DEFAULT_POLICY,
    ApprovalRule,
    EncryptionRule,
    OversightCopy,
    Policy,
    Repeats,
    is_plain_address,
    read_policy,
)

WHERE = "config.toml, accounts.work.policy"


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    made = Paths(*(tmp_path / name for name in ("config", "data", "state", "cache")))
    made.config_file.parent.mkdir(parents=True)
    return made


def configured(paths: Paths, text: str) -> Account:
    paths.config_file.write_text(f'[accounts.work]\nbase_url = "https://a.example"\n{text}')
    paths.config_file.chmod(0o600)
    return load(paths, {}).account("work")


def test_an_account_without_a_policy_has_the_careful_one(paths: Paths) -> None:
    account = configured(paths, "")
    assert (account.policy, account.repeats) == (DEFAULT_POLICY, Repeats.UNKNOWN)
    assert DEFAULT_POLICY.approval is ApprovalRule.EXTERNAL
    assert DEFAULT_POLICY.oversight == ""
    assert DEFAULT_POLICY.undo_seconds == 10


def test_everything_of_a_policy_is_read(paths: Paths) -> None:
    account = configured(
        paths,
        """repeats = "suppressed"
[accounts.work.policy]
internal = ["Agents.Example.com", "boss@corp.example"]
oversight = "Eve.Human@corp.example"
oversight_copy = "refuse"
approval = "cold"
encryption = "when possible"
per_hour = 5
per_day = 50
undo_seconds = 0
approval_hours = 48
""",
    )
    assert account.repeats is Repeats.SUPPRESSED
    assert account.policy == Policy(
        internal=("agents.example.com", "boss@corp.example"),
        oversight="eve.human@corp.example",
        oversight_copy=OversightCopy.REFUSE,
        approval=ApprovalRule.COLD,
        encryption=EncryptionRule.WHEN_POSSIBLE,
        per_hour=5,
        per_day=50,
        undo_seconds=0,
        approval_hours=48,
    )


@pytest.mark.parametrize(
    ("table", "named"),
    [
        ({"oversite": "a@b.example"}, "oversite"),
        ({"internal": "agents.example.com"}, "internal"),
        ({"internal": ["*.example.com"]}, "internal"),
        ({"internal": ["@example.com"]}, "internal"),
        ({"internal": [""]}, "internal"),
        ({"internal": ["com"]}, "internal"),
        ({"internal": ["agents.exаmple.com"]}, "internal"),
        ({"internal": [7]}, "internal"),
        ({"oversight": "nobody"}, "oversight"),
        ({"oversight": "a@b.example, c@d.example"}, "oversight"),
        ({"oversight": ["a@b.example"]}, "oversight"),
        ({"approval": "sometimes"}, "approval"),
        ({"encryption": True}, "encryption"),
        ({"oversight_copy": "bcc"}, "oversight_copy"),
        ({"per_hour": -1}, "per_hour"),
        ({"per_day": "many"}, "per_day"),
        ({"undo_seconds": 121}, "undo_seconds"),
        ({"undo_seconds": True}, "undo_seconds"),
        ({"approval_hours": 0}, "approval_hours"),
    ],
)
def test_what_cannot_be_meant_is_told_with_its_place(table: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError) as wrong:
        read_policy(table, WHERE)
    assert wrong.value.sentence.startswith(WHERE)
    assert named in wrong.value.sentence


def test_saving_an_account_keeps_its_policy(paths: Paths) -> None:
    before = configured(paths, '[accounts.work.policy]\noversight = "eve@corp.example"\n')
    save_account(paths, before)
    assert load(paths, {}).account("work").policy.oversight == "eve@corp.example"


@pytest.mark.parametrize(
    "text",
    ["", "a", "a@", "@b", "a@b@c", "a b@c.d", "a@b c", "a@b.", "a@.b", ".a@b.c", "a..b@c.d",
     "a@b.c\n", "a@b.c,d@e.f", "<a@b.c>", '"a"@b.c', "a@[1.2.3.4]", "а@b.example",
     "a@exämple.com", "a\x00@b.c", "a\u202e@b.c", "a@-b.c", f"{'a' * 400}@b.c"],
)  # fmt: skip
def test_what_is_not_one_plain_address_is_none(text: str) -> None:
    assert not is_plain_address(text)


@pytest.mark.parametrize("text", ["a@b.example", "A.B+c@d-e.example", "a@localhost", "x%y@b.c"])
def test_a_plain_address_is_one(text: str) -> None:
    assert is_plain_address(text)
