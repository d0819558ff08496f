"""The key directory of the sandbox: register, rotate, revoke, look up (api/assmbl.md §8)."""

from __future__ import annotations

import base64
import hashlib

import httpx
import pytest

from services.sandbox.spki import read_pem

RSA_OID = "300d06092a864886f70d0101010500"
ED25519 = bytes.fromhex("302a300506032b6570032100") + bytes(range(32))
P256 = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200") + b"\x04" + bytes(64)
ARMOR = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nabcd\n-----END PGP PUBLIC KEY BLOCK-----\n"


def der(tag, content):
    length = len(content)
    if length < 128:
        return bytes([tag, length]) + content
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + content


def rsa(bits):
    modulus = b"\x00" + (1 << (bits - 1) | 12345).to_bytes(bits // 8, "big")
    key = der(0x30, der(0x02, modulus) + der(0x02, b"\x01\x00\x01"))
    return der(0x30, bytes.fromhex(RSA_OID) + der(0x03, b"\x00" + key))


def pem(data):
    text = base64.encodebytes(data).decode()
    return f"-----BEGIN PUBLIC KEY-----\n{text}-----END PUBLIC KEY-----\n"


def register(api, data=None, algorithm="RSA", **fields):
    body = {"public_key": pem(rsa(2048) if data is None else data), "algorithm": algorithm}
    return api.post("/directory/register", json={**body, **fields})


def lookup(api, agent):
    return api.get(f"/public/agents/{agent.agent_id}").json()


def test_a_registered_key_is_found_with_its_fingerprint_and_without_a_token(sandbox, agent, api):
    receipt = register(api, key_version=1, openpgp_public_key=ARMOR).json()
    fingerprint = hashlib.sha256(rsa(2048)).hexdigest()
    assert receipt == {
        "agent_id": agent.agent_id, "key_version": 1, "key_fingerprint_sha256": fingerprint
    }  # fmt: skip
    found = sandbox.http.get(f"/public/agents/{agent.agent_id}").json()
    assert found == {
        "agent_id": agent.agent_id, "revoked": False, "key_version": 1,
        "public_key": pem(rsa(2048)), "algorithm": "RSA",
        "key_fingerprint_sha256": fingerprint, "openpgp_public_key": ARMOR,
    }  # fmt: skip


def test_the_fingerprint_agrees_with_an_independent_library():
    pytest.importorskip("cryptography", reason="the oracle for fingerprints is not installed")
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519
    from cryptography.hazmat.primitives.asymmetric import rsa as real_rsa

    keys = {
        "RSA2048": real_rsa.generate_private_key(65537, 2048), "Ed25519": ed25519.Ed25519PrivateKey.generate(),
        "ECDSA_P256": ec.generate_private_key(ec.SECP256R1()),
    }  # fmt: skip
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    for algorithm, key in keys.items():
        public = key.public_key()
        found = read_pem(public.public_bytes(serialization.Encoding.PEM, spki).decode())
        wanted = hashlib.sha256(public.public_bytes(serialization.Encoding.DER, spki)).hexdigest()
        assert found.fingerprint == wanted
        assert found.fits(algorithm)
        assert [a for a in keys if found.fits(a)] == [algorithm]


def test_a_rotation_needs_a_higher_version_on_the_one_that_stands(agent, api):
    assert register(api, key_version=1, if_match_version=0).status_code == 200
    for fields in (
        {"key_version": 1}, {"key_version": 2, "if_match_version": 0},
        {"key_version": 2, "if_match_version": 3}, {"key_version": 1, "if_match_version": 1},
    ):  # fmt: skip
        refused = register(api, **fields)
        assert (refused.status_code, refused.json()["error"]) == (409, "version_conflict")
    assert register(api, rsa(4096), "RSA4096", key_version=2, if_match_version=1).status_code == 200
    assert lookup(api, agent)["key_version"] == 2


def test_a_revoked_key_is_gone_but_the_entry_stays(agent, api):
    register(api, openpgp_public_key=ARMOR)
    for _ in range(2):
        assert api.post("/directory/revoke").json()["revoked"] is True
    found = lookup(api, agent)
    assert found == {"agent_id": agent.agent_id, "revoked": True, "key_version": 1}
    assert register(api, key_version=2, if_match_version=1).status_code == 200
    assert lookup(api, agent)["revoked"] is False


def test_an_agent_without_a_key_has_an_entry_and_an_unknown_one_404(agent, api):
    assert lookup(api, agent) == {"agent_id": agent.agent_id, "revoked": False}
    answer = api.get("/public/agents/nobody-here")
    assert (answer.status_code, answer.json()["error"]) == (404, "agent_not_found")


@pytest.mark.parametrize(
    ("data", "algorithm"),
    [
        (ED25519, "Ed25519"), (P256, "ECDSA_P256"), (rsa(2048), "RSA2048"), (rsa(4096), "RSA4096"),
        (rsa(3072), "RSA"),
    ],
    ids=["ed25519", "p256", "rsa2048", "rsa4096", "rsa3072"],
)  # fmt: skip
def test_every_algorithm_of_the_documents_is_taken(api, data, algorithm):
    assert register(api, data, algorithm).status_code == 200


@pytest.mark.parametrize(
    ("data", "algorithm"),
    [
        (rsa(2048), "RSA4096"), (ED25519, "RSA"), (P256, "Ed25519"), (rsa(512), "RSA"),
        (rsa(2048)[:-1], "RSA"), (rsa(2048) + b"x", "RSA"), (b"", "RSA"), (b"\x30\x80", "RSA"),
        (b"\x30\x84\xff\xff\xff\xff", "RSA"), (bytes(64), "Ed25519"),
        (bytes.fromhex("3000"), "RSA"), (ED25519.replace(b"\x65\x70", b"\x65\x6e"), "Ed25519"),
    ],
)  # fmt: skip
def test_what_is_no_key_of_the_algorithm_is_refused(agent, api, data, algorithm):
    refused = register(api, data, algorithm)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_public_key")
    assert "public_key" not in lookup(api, agent)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"algorithm": "DSA"}, "unsupported_algorithm"), ({"algorithm": ""}, "unsupported_algorithm"),
        ({"public_key": "no pem"}, "invalid_public_key"), ({"public_key": ""}, "invalid_public_key"),
        ({"public_key": "-----BEGIN PUBLIC KEY-----\n====\n-----END PUBLIC KEY-----"}, "invalid_public_key"),
        ({"openpgp_public_key": "x"}, "invalid_public_key"), ({"key_version": 0}, "invalid_request"),
        ({"key_version": None}, "invalid_request"), ({"if_match_version": -1}, "invalid_request"),
    ],
)  # fmt: skip
def test_bad_fields_are_refused_by_name(api, fields, error):
    refused = register(api, **fields)
    assert (refused.status_code, refused.json()["error"]) == (400, error)


def test_prices_are_public_and_free_by_default(sandbox, agent, api):
    path = f"/public/agents/{agent.agent_id}/pricing"
    assert sandbox.http.get(path).json() == {
        "agent_id": agent.agent_id, "enabled": False, "pricing_model": "token_based",
        "base_price": 0.0,
    }  # fmt: skip
    prices = {"pricing_model": "dynamic", "base_price": 0.01, "currency": "USD", "enabled": True}
    assert api.put("/billing/pricing", json=prices).json() == prices
    assert api.get("/billing/pricing").json() == prices
    assert sandbox.http.get(path).json() == {"agent_id": agent.agent_id, **prices}
    assert sandbox.http.get("/public/agents/nobody-here/pricing").status_code == 404


def test_a_rubbish_token_does_not_hinder_a_public_lookup(sandbox, agent):
    headers = {"Authorization": "Bearer wrong"}
    path = f"{sandbox.base_url}/public/agents/{agent.agent_id}"
    assert httpx.get(path, headers=headers, trust_env=False, verify=False).status_code == 200
