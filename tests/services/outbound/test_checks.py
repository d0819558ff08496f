"""Pre-send checks: what is found, how grave it is, and that no sentence repeats a secret."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services.draft import Draft, DraftFile, DraftKind
from services.outbound.gate.addressing import recipients_of
from services.outbound.gate.checks import Findings, check, danger
from services.outbound.gate.look_alikes import LookAlikes
from services.outbound.gate.plan import Check, PlannedFile, RecipientFacts
from services.outbound_models import CheckLevel

NOW = 1_790_000_000
BOB = "bob@agents.example.com"
CYRILLIC = "\u0430gents".encode("punycode").decode()
KEY_BLOCK = "-----BEGIN OPENSSH PRIVATE KEY-----"


def found(draft: Draft, *, encrypted: bool = False, **more: Any) -> dict[str, Check]:
    recipients = recipients_of(draft)
    facts = tuple(
        RecipientFacts(one.named, one.role, is_external=False, is_first_contact=False)
        for one in recipients
    )
    files = tuple(PlannedFile("/x", file.name, "a/b", 9, "00") for file in draft.files)
    told: dict[str, Any] = {
        "draft": draft, "recipients": recipients, "facts": facts, "files": files,
        "heads": tuple(b"" for _ in files), "encrypted": encrypted, "own_key": "F",
        "copy_to": "", "now": NOW,
    }  # fmt: skip
    return {one.name: one for one in check(Findings(**{**told, **more}))}


def draft(body: str = "Hello.", subject: str = "Hello", *files: str, **more: Any) -> Draft:
    attached = tuple(DraftFile(Path("/x"), name, size=9) for name in files)
    return replace(Draft.begin(), to=(BOB,), subject=subject, body=body, files=attached, **more)


@pytest.mark.parametrize(
    "text",
    ["See the attached report.", "I attach it.", "the attachment", "Anbei die Zahlen.",
     "Im Anhang", "adjunto", "Ci-joint", "во вложении", "ATTACHED"],
)  # fmt: skip
def test_a_promised_file_that_is_missing_is_told(text: str) -> None:
    assert found(draft(text))["missing_attachment"].level is CheckLevel.CAUTION
    assert found(draft(text, "s", "report.pdf"))["missing_attachment"].level is CheckLevel.FINE


@pytest.mark.parametrize(
    "text", ["Hello.", "> See the attached report.\nThanks", "an attaché", "reattachable"]
)
def test_what_promises_no_file_is_left_alone(text: str) -> None:
    assert "missing_attachment" not in found(draft(text))


@pytest.mark.parametrize(
    "secret",
    [
        KEY_BLOCK,
        "-----BEGIN PGP PRIVATE KEY BLOCK-----",
        "AKIA" + "ABCDEFGHIJKLMNOP",
        "ghp_" + "a1B2" * 9,
        "xoxb-" + "1234567890-abcdef",
        "sk-" + "proj-abcdefghijklmnop1234",
        "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
        "Authorization: Bearer abcdefghijklmnop",
        "postgres://admin:hunter2@db.example/x",
        "password: hunter2!",
        "Passwort = geheim99",
        'api_key: "a1b2c3d4e5"',
    ],
)
def test_secrets_are_found_and_never_repeated(secret: str) -> None:
    in_clear = found(draft(f"Here it is:\n{secret}\nbye"))["secrets"]
    assert in_clear.level is CheckLevel.DANGER
    assert secret[-8:] not in in_clear.sentence
    assert found(draft(secret), encrypted=True)["secrets"].level is CheckLevel.CAUTION
    assert danger(draft(secret), (), encrypted=False)
    assert not danger(draft(secret), (), encrypted=True)


@pytest.mark.parametrize(
    "text",
    ["The password is in the vault.", "password: see below", "I forgot my password.",
     "api key rotation", "https://example.com/a:b", "eyJ", "AKIA is a prefix", "sk-learn"],
)  # fmt: skip
def test_words_about_secrets_are_no_secrets(text: str) -> None:
    assert "secrets" not in found(draft(text))


@pytest.mark.parametrize("name", ["id_rsa", ".env", ".env.local", "server.pem", "vault.kdbx"])
def test_files_of_secrets_are_found_by_name(name: str) -> None:
    assert found(draft("x", "s", name))["secrets"].level is CheckLevel.DANGER


def test_a_private_key_is_found_in_a_file() -> None:
    heads = (f"# mine\n{KEY_BLOCK}\n".encode(),)
    assert "private key" in found(draft("x", "s", "notes.txt"), heads=heads)["secrets"].sentence


def test_an_answer_in_clear_to_an_encrypted_mail_is_grave() -> None:
    answer = draft(kind=DraftKind.REPLY, answers="m1", answers_encrypted=True)
    assert found(answer)["plain_answer"].level is CheckLevel.DANGER
    assert "plain_answer" not in found(answer, encrypted=True)
    assert "in clear" in danger(answer, (), encrypted=False)


@pytest.mark.parametrize(
    ("name", "mail"),
    [
        ("empty_subject", draft(subject="  ")),
        ("empty_body", draft("\n")),
        ("hidden_characters", draft("a\u202eb\u200bc")),
        ("late", draft(send_at=NOW - 60)),
        ("separate_sends", replace(draft(), cc=("c@x.example",))),
        ("in_clear", draft()),
        ("name_holds_address", replace(draft(), to=(f'"ceo@bank.example" <{BOB}>',))),
    ],
)
def test_what_a_person_should_see_is_told(name: str, mail: Draft) -> None:
    assert found(mail)[name].sentence.endswith(".")


def test_a_file_that_changed_since_it_was_attached_is_told() -> None:
    files = (PlannedFile("/x", "a.txt", "a/b", 10, "00"),)
    assert "changed" in found(draft("x", "s", "a.txt"), files=files)["changed_file"].sentence


def test_unverified_keys_and_a_missing_own_key_are_told() -> None:
    facts = (RecipientFacts(BOB, recipients_of(draft())[0].role, fingerprint="F" * 40),)
    told = found(draft(), encrypted=True, facts=facts, own_key="")
    assert {"unverified", "own_copy", "external", "first_contact"} <= told.keys()


def test_the_gravest_comes_first() -> None:
    levels = [one.level for one in found(draft("password: hunter2!", "")).values()]
    order = list(reversed(CheckLevel))
    assert levels == sorted(levels, key=order.index)


@pytest.mark.parametrize(
    ("address", "known", "like"),
    [
        ("bob@agents.examp1e.com", "agents.example.com", True),
        ("bob@agents.exarnple.com", "agents.example.com", True),
        ("bob@agents-example.com", "agents.example.com", True),
        ("bob@agents.example.com.evil.example", "agents.example.com", True),
        ("bob@agents.example.co", "agents.example.com", True),
        ("bob@agnets.example.com", "agents.example.com", True),
        ("bob@agents.exampel.com", "agents.example.com", True),
        (f"bob@xn--{CYRILLIC}.example.com", "agents.example.com", True),
        ("b0b@agents.example.com", "bob@agents.example.com", True),
        ("bob@bigco.example", "agents.example.com", False),
        ("bob@sub.agents.example.com", "agents.example.com", False),
        ("bob@example.com", "agents.example.com", False),
        ("ann@agents.example.com", "bob@agents.example.com", False),
        ("bob@a.co", "b.co", False),
    ],
)
def test_what_only_looks_like_somebody_known_is_found(address: str, known: str, like: bool) -> None:
    assert bool(LookAlikes((known,)).of(address)) is like


@pytest.mark.parametrize(
    "text",
    ["eyJ" * 70_000, "eyJ-" * 50_000, "password:" * 25_000, "a://b:" * 40_000, "sk-" * 70_000,
     "-----BEGIN " * 20_000, "> " * 100_000, "\u202e" * 200_000],
    ids=["jwt", "jwt-", "password", "url", "sk", "begin", "quote", "bidi"],
)  # fmt: skip
def test_hostile_texts_do_not_hold_a_review_up(text: str) -> None:
    # A pattern that looks back over all of it would not be done before the time limit of a test.
    assert "in_clear" in found(draft(text))


@pytest.mark.parametrize("line", ["", " ", "\t", ">", "> ", "\x0b"], ids=ascii)
def test_a_hundred_thousand_lines_are_looked_through(line: str) -> None:
    assert found(draft(f"{line}\n" * 100_000))


@pytest.mark.parametrize(
    "path",
    ["/home/me/.ssh/work", "/home/me/.aws/config", "/home/me/id_ed25519", "/srv/app/.env"],
)
def test_a_file_of_secrets_is_one_under_any_name(path: str) -> None:
    file = DraftFile(Path(path), "report.txt", size=9)
    mail = replace(draft(), files=(file,))
    assert found(mail)["secrets"].level is CheckLevel.DANGER
    assert "a file of secrets" in danger(mail, (b"",), encrypted=False)


def test_a_file_under_another_name_is_told_with_its_place() -> None:
    file = DraftFile(Path("/home/me/salaries.xlsx"), "report.txt", size=9)
    told = found(replace(draft(), files=(file,)))["renamed_file"]
    assert "/home/me/salaries.xlsx" in told.sentence
    assert "renamed_file" not in found(
        replace(draft(), files=(replace(file, name="salaries.xlsx"),))
    )
