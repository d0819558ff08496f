"""Keys made by real programs: our verdict against gpg's and Sequoia's."""

from __future__ import annotations

import time

import pysequoia
import pytest

from services.crypto.armor import ArmorKind, decode
from services.crypto.certs import PeerKey
from services.crypto.packets import Tag, split
from tests.fakes.openpgp_gnupg import Gnupg, GpgError
from tests.services.crypto.second_opinion import sequoia_accepts

DAY = 86_400


def gpg_choice(gpg: Gnupg, fingerprint: str) -> str:
    """The key id that gpg encrypts to, "" when it refuses."""
    try:
        message = gpg.run("--armor", "--encrypt", "--recipient", fingerprint, data=b"x")
    except GpgError:
        return ""
    (envelope,) = [
        packet
        for packet in split(decode(message, ArmorKind.MESSAGE))
        if packet.tag == Tag.PUBLIC_SESSION_KEY
    ]
    return envelope.body[1:9].hex().upper()


def our_choice(peer: PeerKey) -> str:
    return "" if peer.encrypt_to is None else peer.encrypt_to.key_id


def same_verdict(gpg: Gnupg, fingerprint: str) -> PeerKey:
    """Judge a key of gpg's ring, armored and binary; gpg has to choose the same part of it."""
    peer = PeerKey.parse(gpg.public(fingerprint))
    assert PeerKey.parse(gpg.public(fingerprint, armor=True)) == peer
    assert peer.fingerprint == fingerprint
    assert our_choice(peer) == gpg_choice(gpg, fingerprint)
    if our_choice(peer):
        assert sequoia_accepts(peer.block)
    return peer


def edit(gpg: Gnupg, fingerprint: str, *answers: str, at: int = 0) -> None:
    clock = ["--faked-system-time", f"{at}!"] if at else []
    gpg.run(
        *clock, "--command-fd", "0", "--expert", "--edit-key", fingerprint,
        data="".join(f"{line}\n" for line in answers).encode(),
    )  # fmt: skip


def revoke_subkey(gpg: Gnupg, fingerprint: str, number: int) -> None:
    edit(gpg, fingerprint, f"key {number}", "revkey", "y", "0", "", "y", "save")


@pytest.mark.parametrize(
    ("primary", "subkey", "name", "part"),
    [
        ("rsa2048", "", "RSA-2048", "RSA-2048"),
        ("rsa3072", "rsa3072", "RSA-3072", "RSA-3072"),
        ("ed25519", "cv25519", "Ed25519", "Cv25519"),
        ("nistp256", "nistp256", "P-256", "P-256"),
        ("nistp384", "nistp384", "P-384", "P-384"),
        ("nistp521", "nistp521", "P-521", "P-521"),
    ],
)
def test_a_key_that_gpg_made_is_taken_as_gpg_takes_it(
    gpg: Gnupg, primary: str, subkey: str, name: str, part: str
) -> None:
    if subkey:
        fingerprint = gpg.generate(f"{primary} <{primary}@example.org>", primary, subkey)
    else:
        user_id = f"{primary} alone <{primary}@example.org>"
        made = gpg.run("--status-fd", "1", "--quick-gen-key", user_id, primary, "sign,encr", "0")
        fingerprint = made.decode().split("KEY_CREATED P ")[1].split()[0]
    peer = same_verdict(gpg, fingerprint)
    assert peer.why == ""
    assert peer.algorithm == name
    assert peer.require().algorithm == part
    assert peer.user_ids[0].endswith("@example.org>")
    assert peer.warnings == ()
    assert [signer.fingerprint for signer in peer.signers] == [fingerprint]


@pytest.mark.parametrize(
    ("primary", "subkey", "words"),
    [
        ("brainpoolP256r1", "brainpoolP256r1", "Brainpool P-256, which this program does not use"),
        ("secp256k1", "secp256k1", "secp256k1, which this program does not use"),
    ],
)
def test_a_key_of_gpg_that_is_not_used_is_named(
    gpg: Gnupg, primary: str, subkey: str, words: str
) -> None:
    peer = PeerKey.parse(gpg.public(gpg.generate(f"{primary} <x@example.org>", primary, subkey)))
    assert words in peer.why
    assert peer.encrypt_to is None


def test_a_signing_key_has_no_part_for_encryption(gpg: Gnupg) -> None:
    made = gpg.run("--status-fd", "1", "--quick-gen-key", "s <s@x>", "ed25519", "sign", "0")
    peer = same_verdict(gpg, made.decode().split("KEY_CREATED P ")[1].split()[0])
    assert peer.why == "The key has no part for encryption."


def test_a_signing_subkey_of_gpg_is_a_signer(gpg: Gnupg) -> None:
    fingerprint = gpg.generate("sub signer <ss@example.org>", "ed25519", "cv25519")
    gpg.run("--quick-add-key", fingerprint, "ed25519", "sign", "0")
    assert len(same_verdict(gpg, fingerprint).signers) == 2


def test_expired_keys_are_refused_until_they_are_lengthened(gpg: Gnupg) -> None:
    then = int(time.time()) - 90 * DAY
    fingerprint = gpg.generate("old <old@example.org>", "ed25519", "cv25519", at=then)
    gpg.run("--faked-system-time", f"{then + 60}!", "--quick-set-expire", fingerprint, "10d")
    peer = same_verdict(gpg, fingerprint)
    assert peer.expires is not None
    assert peer.expires - (then + 10 * DAY) in range(120)
    ended = time.strftime("%Y-%m-%d", time.gmtime(peer.expires))
    assert peer.why == f"The key expired on {ended}."
    assert PeerKey.parse(peer.block, now=then + 5 * DAY).why == ""
    gpg.run("--quick-set-expire", fingerprint, "1y")
    assert same_verdict(gpg, fingerprint).why == ""


def test_of_an_expired_and_a_fresh_subkey_the_fresh_one_is_taken(gpg: Gnupg) -> None:
    then = int(time.time()) - 90 * DAY
    fingerprint = gpg.generate("sub <sub@example.org>", "ed25519", at=then)
    clock = ["--faked-system-time", f"{then}!"]
    gpg.run(*clock, "--quick-add-key", fingerprint, "cv25519", "encr", "10d")
    peer = same_verdict(gpg, fingerprint)
    assert "Cv25519 expired on" in peer.why
    gpg.run("--quick-add-key", fingerprint, "cv25519", "encr", "10d")
    peer = same_verdict(gpg, fingerprint)
    assert peer.require().fingerprint == peer.components[-1].fingerprint
    assert peer.require().expires is not None


def test_of_a_revoked_and_a_fresh_subkey_the_fresh_one_is_taken(gpg: Gnupg) -> None:
    fingerprint = gpg.generate("rev <rev@example.org>", "ed25519", "cv25519")
    revoke_subkey(gpg, fingerprint, 1)
    peer = same_verdict(gpg, fingerprint)
    assert "Cv25519 was revoked on" in peer.why
    gpg.run("--quick-add-key", fingerprint, "nistp256", "encr", "0")
    assert same_verdict(gpg, fingerprint).require().algorithm == "P-256"


def test_a_revoked_key_is_refused(gpg: Gnupg) -> None:
    fingerprint = gpg.generate("gone <gone@example.org>", "rsa2048", "rsa2048")
    assert same_verdict(gpg, fingerprint).why == ""
    paper = (gpg.folder / "openpgp-revocs.d" / f"{fingerprint}.rev").read_bytes()
    gpg.run("--import", data=paper.replace(b":-----BEGIN", b"-----BEGIN"))
    peer = same_verdict(gpg, fingerprint)
    assert peer.why.startswith("The key was revoked on 20")
    assert peer.signers == ()


def test_a_revoked_name_is_not_shown_and_the_other_one_speaks(gpg: Gnupg) -> None:
    fingerprint = gpg.generate("first <first@example.org>", "ed25519", "cv25519")
    gpg.run("--quick-add-uid", fingerprint, "second <second@example.org>")
    assert len(same_verdict(gpg, fingerprint).user_ids) == 2
    gpg.run("--quick-revoke-uid", fingerprint, "first <first@example.org>")
    peer = same_verdict(gpg, fingerprint)
    assert peer.user_ids == ("second <second@example.org>",)
    assert peer.why == ""


def test_the_signatures_of_others_change_nothing(gpg: Gnupg) -> None:
    fingerprint = gpg.generate("popular <popular@example.org>", "ed25519", "cv25519")
    plain = same_verdict(gpg, fingerprint)
    for number in range(3):
        other = gpg.generate(f"fan {number} <fan{number}@example.org>", "ed25519")
        gpg.run("--local-user", other, "--quick-sign-key", fingerprint)
    signed = same_verdict(gpg, fingerprint)
    assert len(split(signed.block)) == len(split(plain.block)) + 3
    assert signed.encrypt_to == plain.encrypt_to
    assert signed.user_ids == plain.user_ids


def test_a_self_signature_of_sha1_is_refused_where_gpg_still_takes_it(gpg: Gnupg) -> None:
    made = gpg.run(
        "--status-fd", "1", "--cert-digest-algo", "SHA1", "--allow-weak-digest-algos",
        "--quick-gen-key", "weak <weak@example.org>", "rsa2048", "sign,encr", "0",
    )  # fmt: skip
    fingerprint = made.decode().split("KEY_CREATED P ")[1].split()[0]
    assert gpg_choice(gpg, fingerprint)
    peer = PeerKey.parse(gpg.public(fingerprint))
    assert "SHA-1" in peer.why
    assert not sequoia_accepts(peer.block)


def test_a_photo_in_the_key_changes_nothing(gpg: Gnupg) -> None:
    """The self-signature of a photo is none of a name."""
    fingerprint = gpg.generate("photo <photo@example.org>", "ed25519", "cv25519")
    picture = gpg.folder / "photo.jpg"
    picture.write_bytes(b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01" + bytes(200) + b"\xff\xd9")
    edit(gpg, fingerprint, "addphoto", str(picture), "y", "save")
    peer = same_verdict(gpg, fingerprint)
    assert peer.user_ids == ("photo <photo@example.org>",)
    assert Tag.USER_ATTRIBUTE in [packet.tag for packet in split(peer.block)]


# ── Sequoia ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("suite", ["Cv25519", "RSA2k", "P256", "P384", "P521"])
def test_a_version_4_key_of_sequoia_is_taken_and_its_wish_for_aead_is_told(suite: str) -> None:
    cipher_suite = getattr(pysequoia.CipherSuite, suite)
    secret = pysequoia.Tsk.generate("s <s@example.org>", cipher_suite=cipher_suite)
    peer = PeerKey.parse(bytes(secret.extract_certificate()))
    assert peer.why == ""
    assert peer.warnings
    assert peer.user_ids == ("s <s@example.org>",)
    assert len(peer.signers) == 1
    assert peer.require().flags & 0x04


def test_a_version_6_key_of_sequoia_is_named_as_such() -> None:
    secret = pysequoia.Tsk.generate("s <s@example.org>", profile=pysequoia.Profile.RFC9580)
    with pytest.raises(Exception, match="version 6; this program reads version 4") as caught:
        PeerKey.parse(bytes(secret.extract_certificate()))
    assert type(caught.value).__name__ == "Unsupported"


def test_a_key_revoked_or_ended_by_sequoia_is_refused() -> None:
    secret = pysequoia.Tsk.generate("s <s@example.org>")
    certificate = secret.extract_certificate()
    revoked = certificate.merge(
        pysequoia.Cert.from_bytes(
            bytes(certificate) + bytes(certificate.revoke(secret.certifier()))
        )
    )
    assert "revoked" in PeerKey.parse(bytes(revoked)).why
    assert not sequoia_accepts(bytes(revoked))
