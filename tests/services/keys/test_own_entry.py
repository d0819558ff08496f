"""The own entry over the real sandbox: published, rotated, in conflict, revoked, and foreign."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.crypto.own import OwnKey
from services.errors import BadAnswer, Conflict, CryptoError, Offline, ServiceError
from services.key_models import DirectoryStatus
from services.keys.directory import VersionConflict
from tests.conftest import SandboxControl
from tests.fakes.openpgp_keys import MADE, Person, bind, revoke, subkey_packet, x25519_key
from tests.fakes.operators import Operator, operator, own_key, pem_of, public_armor


async def test_a_key_is_published_once_and_looked_up_as_the_same(
    me: Operator, sandbox: SandboxControl, ada: Person
) -> None:
    assert (await me.chain.entry.refresh()).status is DirectoryStatus.ABSENT
    key = own_key(ada)
    await me.publish(key)
    view = me.chain.entry.view
    assert (view.status, view.version, view.checked_at) == (DirectoryStatus.SAME, 1, me.clock.began)
    assert view.fingerprint is not None
    assert view.fingerprint.raw == key.fingerprint
    assert (await me.chain.entry.publish()).version == 1  # nothing to do
    entry = sandbox.call(me.agent, "GET", f"/public/agents/{me.agent.agent_id}")
    assert entry["public_key"].startswith("-----BEGIN PUBLIC KEY-----")
    assert "PRIVATE" not in str(entry)


async def test_an_rsa_key_is_published_as_the_vendor_shows_it(
    me: Operator, sandbox: SandboxControl, rsa: OwnKey
) -> None:
    await me.publish(rsa)
    assert me.chain.entry.view.status is DirectoryStatus.SAME
    entry = sandbox.call(me.agent, "GET", f"/public/agents/{me.agent.agent_id}")
    assert entry["algorithm"] == "RSA"


async def test_a_new_own_key_makes_the_entry_older_until_it_is_rotated(
    me: Operator, ada: Person, bea: Person
) -> None:
    await me.publish(own_key(ada))
    me.chain.own_keys.keep(own_key(bea))
    assert (await me.chain.entry.refresh()).status is DirectoryStatus.OLDER
    with pytest.raises(VersionConflict):
        await me.chain.entry.publish(replaces=False)
    view = await me.chain.entry.publish(1)
    assert (view.status, view.version) == (DirectoryStatus.SAME, 2)


async def test_a_rotation_on_another_version_than_was_seen_is_a_conflict(
    me: Operator, ada: Person, bea: Person, rsa: OwnKey
) -> None:
    await me.publish(own_key(ada))
    await me.publish(own_key(bea))
    me.chain.own_keys.keep(rsa)
    with pytest.raises(VersionConflict) as conflict:
        await me.chain.entry.publish(1)
    assert (conflict.value.expected, conflict.value.found.version) == (1, 2)
    assert isinstance(conflict.value, Conflict)
    assert (await me.chain.entry.refresh()).status is DirectoryStatus.OLDER


async def test_a_rotation_made_elsewhere_in_between_is_a_conflict_too(
    me: Operator, ada: Person, bea: Person
) -> None:
    await me.publish(own_key(ada))
    found = await me.chain.directory.look_up(me.agent.agent_id, fresh=True)
    await me.publish(own_key(bea))
    with pytest.raises(VersionConflict) as conflict:
        await me.chain.directory.publish(
            own_key(ada).public, stands_on=found.version, agent_id=me.agent.agent_id
        )
    assert conflict.value.found.version == 2


async def test_a_foreign_key_is_shown_and_never_replaced_unseen(
    me: Operator, ada: Person, bea: Person
) -> None:
    await me.serve(public_armor(bea.block), pem_of(own_key(bea)))
    me.chain.own_keys.keep(own_key(ada))
    view = await me.chain.entry.refresh()
    assert view.status is DirectoryStatus.FOREIGN
    assert view.fingerprint is not None
    assert view.fingerprint.raw == own_key(bea).fingerprint
    with pytest.raises(VersionConflict):
        await me.chain.entry.publish()
    assert (await me.chain.entry.publish(1)).status is DirectoryStatus.SAME


async def test_an_entry_whose_parts_contradict_each_other_is_foreign(
    me: Operator, ada: Person, bea: Person
) -> None:
    me.chain.own_keys.keep(own_key(ada))
    await me.serve(public_armor(ada.block), pem_of(own_key(bea)))
    view = await me.chain.entry.refresh()
    assert view.status is DirectoryStatus.FOREIGN
    assert "contradict" in view.sentence


async def test_an_entry_without_its_openpgp_form_or_in_another_state_is_older(
    me: Operator, ada: Person, bea: Person
) -> None:
    key = own_key(ada)
    me.chain.own_keys.keep(key)
    await me.serve("", pem_of(key))
    view = await me.chain.entry.refresh()
    assert view.status is DirectoryStatus.OLDER
    assert "lacks the OpenPGP form" in view.sentence
    await me.serve(public_armor(ada.block + revoke(ada.primary)), pem_of(key))
    assert (await me.chain.entry.refresh()).status is DirectoryStatus.OLDER
    fresh = x25519_key(MADE + 9)
    spliced = ada.block + subkey_packet(fresh) + bind(ada.primary, fresh, made=MADE + 9)
    await me.serve(public_armor(spliced), pem_of(key))
    assert (await me.chain.entry.refresh()).status is DirectoryStatus.OLDER
    await me.serve("", pem_of(own_key(bea)))
    assert (await me.chain.entry.refresh()).status is DirectoryStatus.FOREIGN


async def test_after_revoking_the_status_says_so_and_publishing_goes_on_counting(
    me: Operator, ada: Person
) -> None:
    await me.publish(own_key(ada))
    view = await me.chain.entry.revoke()
    assert (view.status, view.version) == (DirectoryStatus.REVOKED, 1)
    assert (await me.chain.entry.revoke()).status is DirectoryStatus.REVOKED
    assert (await me.chain.entry.publish()).version == 2


async def test_a_key_that_must_not_be_used_is_not_published(me: Operator, ada: Person) -> None:
    revoked = OwnKey.load(ada.secret_block + revoke(ada.primary))
    me.chain.own_keys.keep(revoked)
    with pytest.raises(CryptoError, match="revoked"):
        await me.chain.entry.publish()
    assert (await me.chain.entry.refresh()).status is DirectoryStatus.ABSENT


@pytest.mark.parametrize(("fault", "arrives"), [("drop_after", True), ("drop_before", False)])
async def test_a_publication_whose_answer_was_lost_is_looked_up_and_not_repeated(
    me: Operator, sandbox: SandboxControl, ada: Person, fault: str, arrives: bool
) -> None:
    sandbox.fault(fault, me.agent, operation="register_directory_key")
    me.chain.own_keys.keep(own_key(ada))
    if arrives:
        assert (await me.chain.entry.publish()).status is DirectoryStatus.SAME
    else:
        with pytest.raises(ServiceError):
            await me.chain.entry.publish()
        assert (await me.chain.entry.refresh()).status is DirectoryStatus.ABSENT
    asked = [one for one in sandbox.requests(me.agent) if one["operation"].startswith("register")]
    assert len(asked) == 1


@pytest.mark.parametrize("status", [409, 412])
async def test_both_forms_of_a_conflict_are_told_with_what_was_found(
    me: Operator, sandbox: SandboxControl, ada: Person, status: int
) -> None:
    sandbox.fault("status", me.agent, operation="register_directory_key", status=status)
    me.chain.own_keys.keep(own_key(ada))
    with pytest.raises(VersionConflict) as conflict:
        await me.chain.entry.publish()
    assert conflict.value.found.is_empty


async def test_an_answer_about_another_key_is_not_believed(
    me: Operator, sandbox: SandboxControl, ada: Person
) -> None:
    body = '{"agent_id": "x", "key_version": 1, "key_fingerprint_sha256": "%s"}' % ("0" * 64)
    sandbox.fault("answer", me.agent, operation="register_directory_key", body=body)
    me.chain.own_keys.keep(own_key(ada))
    with pytest.raises(BadAnswer, match="another key"):
        await me.chain.entry.publish()


async def test_without_an_answer_the_status_is_unknown_with_the_reason(
    me: Operator, sandbox: SandboxControl, ada: Person
) -> None:
    await me.publish(own_key(ada))
    me.chain.connect(None)
    view = await me.chain.entry.refresh()
    assert view.status is DirectoryStatus.UNKNOWN
    assert "no connection" in view.sentence
    with pytest.raises(Offline):
        await me.chain.entry.publish()
    me.chain.connect(object())
    assert (await me.chain.entry.refresh()).status is DirectoryStatus.UNKNOWN


async def test_an_account_without_an_address_learns_its_name_from_its_key(
    sandbox: SandboxControl, tmp_path: Path
) -> None:
    nameless = operator(sandbox, tmp_path / "x", address="", mail_domain="agents.example.com")
    assert (await nameless.chain.entry.refresh()).status is DirectoryStatus.UNKNOWN
    key = OwnKey.generate("N", nameless.agent.address, None, bits=2048)
    await nameless.publish(key)
    view = nameless.chain.entry.view
    assert (view.status, view.version) == (DirectoryStatus.SAME, 1)
    assert nameless.chain.own_address == nameless.agent.address.lower()
    assert nameless.chain.own_keys.agent_id == nameless.agent.agent_id
    await nameless.close()
    sandbox.remove_agent(nameless.agent)
