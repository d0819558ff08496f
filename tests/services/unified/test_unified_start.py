"""How several accounts start: from their caches, together, before anything of a network is loaded."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from services import events
from services.cache.store import MailStore
from services.config import Account, save_account
from services.models import MailFilter
from services.paths import Paths
from tests.fakes.fake_provider import items

ROOT = Path(__file__).resolve().parents[3]
CHILD = f"""
import sys; sys.path.insert(0, {str(ROOT)!r})
import json, queue
from services.config import load
from services.paths import Paths
from services.secrets import SecretStore
from tui.bridge import engine_of
from tui.profile import Profile

paths = Paths.from_environment()
secrets = SecretStore(paths)
profiles = [Profile(account, paths, secrets) for account in load(paths).accounts]
told = queue.SimpleQueue()
HEAVY = ("httpx", "msgspec", "pgpy", "keyring", "services.outbound.desk", "services.sync.session")

def hear(event):
    counts = getattr(event, "counts", None)
    loaded = [name for name in (*HEAVY, "services.unified.engine") if name in sys.modules]
    told.put((type(event).__name__, counts and counts.total, loaded))

engine = engine_of(profiles)(hear)
engine.start()
seen = [told.get(timeout=50)]
while seen[-1][0] != "SyncStateChanged":
    seen.append(told.get(timeout=50))
engine.stop(10)
print(json.dumps(seen))
"""


def configured(*names: str) -> Paths:
    """Accounts at a service that nobody runs, each with 30 cached messages."""
    paths = Paths.from_environment()
    for name in names:
        save_account(paths, Account(name, "assmbl", "http://127.0.0.1:9"))
        store = MailStore.open(paths.account_dir(name))
        store.put_items(items(30))
        store.close()
    return paths


def started() -> list[list[Any]]:
    done = subprocess.run(
        [sys.executable, "-P", "-c", CHILD], capture_output=True, text=True, timeout=60, check=True
    )
    return json.loads(done.stdout)


def test_all_cached_mail_is_told_at_once_before_anything_of_a_network_is_loaded():
    configured("work", "home", "third")
    first, *others = started()
    assert first[:2] == ["MailboxChanged", 90]
    assert first[2] == ["services.unified.engine"]
    assert [event[0] for event in others] == ["MailboxChanged", "SyncStateChanged"]


def test_one_account_loads_nothing_of_several():
    configured("work")
    for event in started():
        assert "services.unified.engine" not in event[2]


def test_the_first_frame_of_several_accounts_is_made_of_their_caches(monkeypatch):
    from services.secrets import SecretStore
    from tui import start
    from tui.profile import Profile

    paths = configured("work", "home")
    accounts = start.load(paths).accounts
    profiles = [Profile(account, paths, SecretStore(paths)) for account in accounts]
    opened = start._open_caches(profiles)
    rows = start._cached_rows(opened, accounts)
    assert len(rows) == 60
    assert {rows.row(place).account for place in range(4)} == {"work", "home"}
    told: list[events.Event] = []
    from tui.bridge import engine_of

    engine = engine_of(profiles, 60, opened)(told.append)
    assert len(engine.snapshot.select(MailFilter())) == 60
    for store in opened.values():
        store.close()


@pytest.mark.parametrize(
    ("named", "shown"), [(None, ["home", "work"]), ("work", ["work"])], ids=["all", "one by name"]
)
def test_a_named_profile_stands_alone_and_the_default_account_comes_first(named, shown):
    from tui import start

    paths = configured("work", "home")  # the last one saved is the default
    found = start.shown_accounts(start.load(paths), named)
    assert [account.name for account in found] == shown


def test_an_account_whose_folder_cannot_be_made_does_not_stop_the_rest():
    paths = configured("work", "home")
    shutil.rmtree(paths.account_folder("home"))
    paths.account_folder("home").write_text("in the way")
    first, *_ = started()
    assert first[:2] == ["MailboxChanged", 30]
