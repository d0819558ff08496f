"""OpenPGP: keys, messages and signatures as bytes in and bytes out.

It knows no network, no account and no configuration. PGPy does the message arithmetic and never
leaves this package; whether a key may be used at all is decided here, from raw bytes, because PGPy
encrypts to expired, revoked and forged subkeys (research/crypto.md §4).

    errors        what can go wrong, each with a sentence for a person
    armor         text to packets and back, linear on every input
    octets, packets   bytes in order, packets out of bytes (RFC 4880 §4)
    curves, public_parts  the public half of one key: numbers, fingerprint, strength, arithmetic
    subpackets    what a signature says about itself (RFC 4880 §5.2.3.1)
    sigs          one signature: what it claims, and whether a key made it
    blocks        a public block taken apart, within its limits
    bindings      which self-signatures, bindings and revocations of a block count
    certs, spki   PeerKey: a public block with its verdict; the directory's PEM beside it
    secret_parts  one secret packet, sealed and open
    own           OwnKey and UnlockedKey: made, imported, kept as it came, unlocked
    feeds         octets that arrive in pieces, and the packets in them
    armor_stream  armor of any size, piece by piece
    sessions, envelopes, container   the key of one message, for whom it is sealed, what it protects
    content, inflate, verdicts       what is inside: one literal, unpacked under a ceiling, judged
    sealing, signing, opening        the way out and the way in, for memory and for files alike
    messages, stream                 messages in memory, files of any size
    _pgpy         the only file that touches PGPy's insides
"""
