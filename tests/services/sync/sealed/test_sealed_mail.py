"""Encrypted mail opened by real keys through the real worker: what is shown, and on which side."""

from __future__ import annotations

import base64
import json

import pytest

from services.crypto import armor as armored
from services.crypto.armor import ArmorKind
from services.crypto.messages import encrypt
from services.crypto.own import OwnKey
from services.seal_models import SealState, SignatureVerdict
from services.shown_mail import INSIDE, LineKind
from services.sync.unsealing import Unsealer
from tests.fakes.sealed_mail import SENDER, armor, mail, parts, pgp_mime
from tests.services.sync.sealed.shown import FOOTER, SECRET, facts, inside, outside

# ── opened ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("cte", ["7bit", "quoted-printable", "base64"])
def test_a_mail_in_the_vendors_shape_opens_as_plain_text(read, my_key: OwnKey, cte: str) -> None:
    message = read(mail(armor(f"Grüße,\n\n> quoted\n{SECRET}\n", my_key.public), cte=cte))
    assert facts(message).state is SealState.OPENED
    assert [(line.text, line.quote) for line in message.body] == [
        ("Grüße,", 0), ("", 0), ("quoted", 1), (SECRET, 0),
    ]  # fmt: skip
    assert not facts(message).outside
    assert facts(message).to_key.replace(" ", "") == my_key.fingerprint


@pytest.mark.parametrize("encoding", ["7bit", "base64"])
def test_pgp_mime_of_other_clients_opens_as_the_entity_that_it_holds(
    read, my_key: OwnKey, encoding: str
) -> None:
    entity = (
        'Content-Type: multipart/mixed; boundary="i"; protected-headers="v1"\nSubject: The plan\n\n'
        "--i\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n"
        f"{SECRET} =E2=82=AC\n--i\nContent-Type: application/pdf; name=plan.pdf\n"
        "Content-Disposition: attachment\nContent-Transfer-Encoding: base64\n\nJVBERg==\n--i--\n"
    )
    message = read(pgp_mime(armor(entity.encode(), my_key.public), encoding=encoding))
    assert facts(message).state is SealState.OPENED
    assert f"{SECRET} €" in inside(message)
    assert "Subject: The plan" in inside(message)
    [file] = message.attachments
    assert (file.index, file.file_name, file.size, file.state) == (INSIDE, "plan.pdf", 4, "inside")


def test_a_mime_entity_under_inline_armor_is_read_as_one_and_text_that_begins_alike_is_not(
    read, my_key: OwnKey
) -> None:
    html = "Content-Type: text/html; charset=utf-8\nMIME-Version: 1.0\n\n<p>fat <b>text</b></p>\n"
    assert inside(read(mail(armor(html, my_key.public)))) == "fat text"
    text = "Content-Type: is a header\n\nand so on"
    assert "Content-Type: is a header" in inside(read(mail(armor(text, my_key.public))))


def test_controls_in_decrypted_text_reach_no_terminal(read, my_key: OwnKey) -> None:
    message = read(mail(armor("a\x1b]52;c;eA==\x07b\u202ec", my_key.public)))
    assert "\x1b" not in inside(message)
    assert "\u202e" not in inside(message)
    assert message.hidden_characters == 1


def test_an_encrypted_block_inside_decrypted_text_is_not_opened_again(read, my_key: OwnKey) -> None:
    message = read(mail(armor("outer\n" + armor(SECRET, my_key.public), my_key.public)))
    assert SECRET not in inside(message)
    assert "outer" in inside(message)
    assert "stays closed" in inside(message)


def test_a_message_to_a_hidden_recipient_is_tried(read, my_key: OwnKey) -> None:
    packets = bytearray(armored.decode(armor(SECRET, my_key.public), ArmorKind.MESSAGE))
    key_id = bytes.fromhex(my_key.public.encrypt_to.key_id)  # type: ignore[union-attr]
    at = packets.index(key_id)
    packets[at : at + 8] = bytes(8)
    message = read(mail(armored.encode(bytes(packets), ArmorKind.MESSAGE).decode()))
    assert inside(message) == SECRET


# ── P05: what is not encrypted stands apart ──────────────────────────────────────────────────────


@pytest.mark.parametrize("cte", ["7bit", "quoted-printable", "base64"])
def test_a_footer_stands_behind_a_rule_and_its_links_are_told_as_not_encrypted(
    read, my_key: OwnKey, cte: str
) -> None:
    block = armor(f"{SECRET}\nsee https://inside.example/x\n", my_key.public)
    message = read(mail(f"{block}\n{FOOTER}", cte=cte))
    lines = list(message.body)
    rule = next(n for n, line in enumerate(lines) if line.kind is LineKind.RULE)
    assert lines[rule].text.startswith("Not encrypted")
    assert all(line.outside for line in lines[rule:])
    assert not any(line.outside for line in lines[:rule])
    assert SECRET in inside(message)
    assert "valid for 7 days" in outside(message)
    assert {(link.host, link.outside) for link in message.links} == {
        ("inside.example", False), ("files.example", True),
    }  # fmt: skip
    assert len({link.number for link in message.links}) == 2
    assert facts(message).outside
    assert any("outside the encrypted block" in note for note in message.notes)


def test_the_service_s_list_of_files_under_a_block_is_told_without_an_alarm(
    read, my_key: OwnKey
) -> None:
    files = json.dumps([{"name": "a.pdf", "size": 3, "object_key": "k"}])
    raw = mail(f"{armor(SECRET, my_key.public)}\n{FOOTER}")
    message = read(f"X-AgentMail-Attachments: {files}\r\n".encode() + raw)
    assert inside(message) == SECRET
    assert "valid for 7 days" in outside(message)
    assert all(link.outside for link in message.links)
    assert not facts(message).outside
    assert not any("is not protected" in note for note in message.notes)
    louder = read(f"X-AgentMail-Attachments: {files}\r\n".encode() + raw + b"Pay today.\r\n")
    assert facts(louder).outside
    assert any("is not protected" in note for note in louder.notes)


def test_a_footer_behind_a_base64_part_is_shown_as_not_encrypted(read, my_key: OwnKey) -> None:
    block = armor(SECRET, my_key.public)
    # With CRLF and padding, so that the end of the base64 can be seen.
    block += "\n" if (len(block) + block.count("\n")) % 3 == 0 else ""
    message = read(mail(block, cte="base64") + b"\r\nunsubscribe: here\r\n")
    assert inside(message) == SECRET
    assert "unsubscribe: here" in outside(message)


def test_html_around_a_ciphertext_part_neither_wraps_it_nor_takes_it_along(
    read, my_key: OwnKey
) -> None:
    block = armor(f'{SECRET}"><i>', my_key.public)
    message = read(
        parts(("html", '<p>one</p><img src="https://evil.example/?'), ("plain", block), ("html", '"><p>two</p>'))
    )  # fmt: skip
    assert inside(message) == f'{SECRET}"><i>'
    assert "one" in outside(message)
    assert "two" in outside(message)
    assert all(SECRET not in link.url and SECRET not in link.text for link in message.links)
    assert all(link.outside for link in message.links)


def test_words_before_the_block_cannot_pass_for_decrypted_ones(read, my_key: OwnKey) -> None:
    message = read(mail("This was decrypted for you.\n\n" + armor(SECRET, my_key.public)))
    assert [line.text for line in message.body if not line.outside] == [SECRET]
    assert "This was decrypted" in outside(message)


def test_of_several_blocks_none_is_opened(read, my_key: OwnKey) -> None:
    block = armor(SECRET, my_key.public)
    for raw in (mail(f"a\n{block}b\n{block}c"), parts(("plain", block), ("plain", block))):
        message = read(raw)
        assert facts(message).state is SealState.UNSUPPORTED
        assert "2 encrypted blocks" in facts(message).sentence
        assert SECRET not in inside(message) + outside(message)


# ── signatures ───────────────────────────────────────────────────────────────────────────────────


def test_a_signature_counts_only_with_the_key_pinned_for_from(
    read, keys, my_key: OwnKey, ann: OwnKey, stranger: OwnKey
) -> None:
    signed = armor(SECRET, my_key.public, sign_with=ann.unlock())
    assert facts(read(mail(signed))).verdict is SignatureVerdict.UNKNOWN
    keys.pins[SENDER] = ann.public
    good = facts(read(mail(signed)))
    assert good.verdict is SignatureVerdict.GOOD
    assert good.signer.replace(" ", "") == ann.fingerprint
    assert good.signed_at > 0
    keys.pins[SENDER] = stranger.public
    assert facts(read(mail(signed))).verdict is SignatureVerdict.UNKNOWN
    assert facts(read(mail(armor(SECRET, my_key.public)))).verdict is SignatureVerdict.NONE


@pytest.mark.parametrize(
    "sender",
    [
        f"{SENDER}, mallory@example.net",
        f'"{SENDER}" <mallory@example.net>',
        "mallory@example.net",
    ],
)
def test_anothers_good_signature_is_not_the_senders(
    read, keys, my_key: OwnKey, ann: OwnKey, sender: str
) -> None:
    keys.pins[SENDER] = ann.public
    signed = armor(SECRET, my_key.public, sign_with=ann.unlock())
    assert facts(read(mail(signed, sender=sender))).verdict is SignatureVerdict.UNKNOWN


def test_a_second_from_field_takes_the_signature_its_worth(
    read, keys, my_key: OwnKey, ann: OwnKey
) -> None:
    keys.pins[SENDER] = ann.public
    signed = mail(armor(SECRET, my_key.public, sign_with=ann.unlock()))
    assert facts(read(b"From: x@example.net\r\n" + signed)).verdict is SignatureVerdict.UNKNOWN


# ── decrypted data stays unread on this side ─────────────────────────────────────────────────────


def test_a_decrypted_mime_bomb_harms_the_worker_only(read, my_key: OwnKey) -> None:
    entity = b'Content-Type: multipart/mixed; boundary="b"\n\n' + b"--b\n\nx\n" * 2_000
    message = read(pgp_mime(encrypt(entity, [my_key.public]).decode()))
    assert facts(message).state is SealState.OPENED
    assert message.body


def test_nothing_decrypted_shows_in_the_repr_of_what_is_passed_on(keys, my_key: OwnKey) -> None:
    from services.reading.render import parse_mail

    opener = Unsealer(keys.at_hand())
    opener(parse_mail(mail(armor(SECRET, my_key.public))))
    assert opener.outcome is not None
    assert opener.outcome.plaintext is not None
    assert opener.outcome.plaintext.data == SECRET.encode()
    assert SECRET not in repr(opener.outcome)
    assert base64.b64encode(SECRET.encode()).decode() not in repr(opener.outcome)
