"""OpenPGP: keys, messages and signatures as bytes in and bytes out.

It knows no network, no account and no configuration. PGPy does the message arithmetic and never
leaves this package; whether a key may be used at all is decided here, from raw bytes, because PGPy
encrypts to expired, revoked and forged subkeys (research/crypto.md §4).

    errors        what can go wrong, each with a sentence for a person
    armor         text to packets and back, linear on every input
    packets       packets out of bytes (RFC 4880 §4)
    public_parts  the public half of one key: numbers, fingerprint, strength, signature arithmetic
    subpackets    what a signature says about itself (RFC 4880 §5.2.3.1)
    sigs          one signature: what it claims, and whether a key made it
    bindings      which self-signatures, bindings and revocations of a block count
    certs         PeerKey: a public block with its verdict
    own, messages, stream   one's own key, messages, files of any size
    _pgpy         the only file that touches PGPy's insides
"""
