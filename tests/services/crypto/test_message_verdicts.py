"""What a signature in a message is worth: by whom, over what, when, and to whom it was sent."""

from __future__ import annotations

import hashlib
import time
from functools import cache

import pytest

from services.crypto import messages
from services.crypto.armor import ArmorKind, decode, encode
from services.crypto.errors import Damaged
from services.crypto.messages import decrypt, encrypt
from services.crypto.own import OwnKey, UnlockedKey
from services.crypto.packets import Tag, join, split
from services.crypto.verdicts import Verdict
from tests.fakes import openpgp_messages as smith
from tests.fakes.openpgp_gnupg import Gnupg
from tests.services.crypto.made_keys import ann, ann_open, bob, bob_open
from tests.services.crypto.message_stage import TEXT, enclosed, opened


def _signed_by(
    key: UnlockedKey, data: bytes, *, kind: int = 0, covered: bytes | None = None
) -> bytes:
    """One-pass, literal, signature; the signature is ours, then moved to other data or type."""
    made = messages.sign_detached(data if covered is None else covered, key)
    body = split(decode(made, ArmorKind.SIGNATURE))[0].body
    body = body[:1] + bytes((kind,)) + body[2:]
    issuer = bytes.fromhex(key.fingerprint[-16:])
    note = smith.announced(issuer, body[2], kind, 10)
    return note + smith.literal(data) + join(Tag.SIGNATURE, body)


def test_a_signature_over_other_data_is_bad() -> None:
    inner = _signed_by(bob_open(), b"pay 10", covered=b"pay 99")
    found = opened(enclosed(inner, ann().public), signer=bob().public)
    assert (found.verdict, found.signer, found.signed_at) == (Verdict.BAD, bob().fingerprint, 0)


@pytest.mark.parametrize("kind", [0x02, 0x40, 0x10, 0x13, 0x18, 0x1F, 0x50])
def test_a_signature_that_covers_nothing_of_the_text_is_unusable(kind: int) -> None:
    inner = _signed_by(bob_open(), b"x", kind=kind)
    found = opened(enclosed(inner, ann().public), signer=bob().public)
    assert found.verdict is Verdict.UNUSABLE


def test_a_signature_before_or_after_its_data_counts_alike() -> None:
    after = _signed_by(bob_open(), b"x")
    note, content, signature = split(after)
    before = join(Tag.SIGNATURE, signature.body) + join(Tag.LITERAL, content.body)
    for inner in (after, before, smith.compressed(after), smith.compressed(before)):
        found = opened(enclosed(inner, ann().public), signer=bob().public)
        assert found.verdict is Verdict.GOOD
    outside = join(note.tag, note.body) + smith.compressed(smith.literal(b"x")) + join(Tag.SIGNATURE, signature.body)  # fmt: skip
    found = opened(enclosed(outside, ann().public), signer=bob().public)
    assert found.verdict is Verdict.GOOD


def test_a_signature_sent_on_to_somebody_else_is_unusable() -> None:
    to_bob = encrypt(TEXT, [bob().public], sign_with=ann_open())
    assert decrypt(to_bob, [bob_open()], signer=ann().public).verdict is Verdict.GOOD
    session_and_key = decrypt(to_bob, [bob_open()])
    assert session_and_key.text == TEXT
    inner = _inner_of(to_bob, bob_open())
    passed_on = enclosed(inner, ann().public)
    found = opened(passed_on, signer=ann().public)
    assert found.verdict is Verdict.UNUSABLE


def _inner_of(note: bytes, key: UnlockedKey) -> bytes:
    from services.crypto import container
    from services.crypto.envelopes import open_sealed, read_sealed
    from services.crypto.feeds import Feed, packets

    sealed = read_sealed(packets(Feed([decode(note, ArmorKind.MESSAGE)])))
    session, _ = open_sealed(sealed, [key])
    return b"".join(container.unsealed(session, sealed.container.body))


def test_dates_of_the_signature_and_the_key_are_judged_at_now() -> None:
    note = encrypt(TEXT, [ann().public], sign_with=bob_open())
    made = bob().public.made
    assert opened(note, signer=bob().public, now=made + 600).verdict is Verdict.GOOD
    assert opened(note, signer=bob().public, now=made - 86_400).verdict is Verdict.UNUSABLE
    early = encrypt(TEXT, [ann().public], sign_with=bob_open(), now=made + 5)
    assert opened(early, signer=bob().public).signed_at == made + 5
    future = messages.sign_detached(b"x", bob_open(), now=int(time.time()) + 86_400 * 365)
    assert messages.verify_detached(b"x", future, bob().public) is Verdict.UNUSABLE
    before_its_key = messages.sign_detached(b"x", bob_open(), now=made - 86_400)
    assert messages.verify_detached(b"x", before_its_key, bob().public) is Verdict.UNUSABLE


def test_a_signer_who_is_revoked_or_expired_or_weak_is_unusable(gpg: Gnupg) -> None:
    made = gpg.generate("Rev <rev@x.example>", "ed25519", "cv25519")
    key = OwnKey.load(gpg.private(made)).unlock()
    signature = messages.sign_detached(b"x", key)
    assert messages.verify_detached(b"x", signature, key.public) is Verdict.GOOD
    gpg.run("--quick-set-expire", made, "seconds=1000")
    expired = OwnKey.load(gpg.private(made), now=key.public.made + 2_000).public
    after = key.public.made + 2_000
    assert messages.verify_detached(b"x", signature, expired, now=after) is Verdict.UNUSABLE
    judged_before = OwnKey.load(gpg.private(made), now=key.public.made + 500).public
    assert judged_before.expires
    assert judged_before.expires < after
    assert messages.verify_detached(b"x", signature, judged_before) is Verdict.GOOD
    assert messages.verify_detached(b"x", signature, judged_before, now=after) is Verdict.UNUSABLE
    certificate = (gpg.folder / "openpgp-revocs.d" / f"{made}.rev").read_text()
    gpg.run("--import", data=certificate.replace(":-----BEGIN", "-----BEGIN").encode())
    revoked = OwnKey.load(gpg.private(made)).public
    assert revoked.why
    assert messages.verify_detached(b"x", signature, revoked) is Verdict.UNUSABLE
    for weak in ("SHA1", "SHA224"):
        bad = gpg.run("--digest-algo", weak, "--armor",                      "--detach-sign", "--local-user", _rsa(gpg), data=b"x")  # fmt: skip
        signer = OwnKey.load(gpg.private(_rsa(gpg))).public
        assert messages.verify_detached(b"x", bad, signer) is Verdict.UNUSABLE


@cache
def _rsa(gpg: Gnupg) -> str:
    return gpg.generate("Weak <weak@x.example>", "rsa2048", "rsa2048")


def test_a_signature_by_a_part_that_only_encrypts_is_unusable(gpg: Gnupg) -> None:
    key = OwnKey.load(gpg.private(_rsa(gpg))).unlock()
    primary, subkey = key.parts()
    body = split(decode(messages.sign_detached(b"x", key), ArmorKind.SIGNATURE))[0].body
    size = int.from_bytes(body[4:6], "big")
    head = body[: 6 + size].replace(
        bytes.fromhex(primary.key.fingerprint), bytes.fromhex(subkey.key.fingerprint)
    )
    digest = hashlib.sha512(b"x" + head + b"\x04\xff" + len(head).to_bytes(4, "big")).digest()
    (number,) = subkey.sign(digest)
    value = number.bit_length().to_bytes(2, "big") + number.to_bytes((number.bit_length() + 7) // 8)
    forged = encode(join(Tag.SIGNATURE, head + b"\0\0" + digest[:2] + value), ArmorKind.SIGNATURE)
    assert messages.verify_detached(b"x", forged, key.public) is Verdict.UNUSABLE


def test_many_signatures_are_judged_and_too_many_are_damage() -> None:
    good = split(_signed_by(bob_open(), b"x"))
    bad = split(_signed_by(bob_open(), b"x", covered=b"y"))
    both = b"".join(join(one.tag, one.body) for one in (*good, bad[2]))
    assert opened(enclosed(both, ann().public), signer=bob().public).verdict is Verdict.GOOD
    crowd = b"".join(join(one.tag, one.body) for one in (*good, *([bad[2]] * 80)))
    with pytest.raises(Damaged):
        opened(enclosed(crowd, ann().public), signer=bob().public)
