"""`attach` as a script uses it: files of a real mailbox, in the clear and encrypted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from email.message import EmailMessage
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from services.crypto import messages
from services.crypto.own import OwnKey
from services.redact import Secret
from services.sandbox.records import Agent
from tests.conftest import SandboxControl
from tests.fakes.sealed_mail import pgp_mime
from tui.__main__ import main
from tui.profile import open_profile

ROOT = Path(__file__).resolve().parents[2]
DATA = bytes(range(256)) * 300
PASSPHRASE = "correct horse"


@pytest.fixture(scope="module")
def key() -> OwnKey:
    return OwnKey.generate("B", "b@agents.example.com", Secret(PASSPHRASE), bits=2048)


@pytest.fixture
def mail(sandbox, agent, key, monkeypatch, tmp_path) -> str:
    """The id of a mail with a plain and an encrypted file; the environment of a script."""
    monkeypatch.setenv("AGENTMAIL_API_BASE_URL", sandbox.base_url)
    monkeypatch.setenv("AGENTMAIL_TOKEN", agent.token)
    monkeypatch.setenv("MAIL_DOMAIN", "agents.example.com")
    monkeypatch.chdir(tmp_path)
    made = EmailMessage()
    made["From"], made["Subject"] = "x@y.example", "files"
    made.set_content("See the files.")
    made.add_attachment(DATA, "image", "png", filename="../\x1b[31mphoto.png")
    sealed = messages.encrypt(DATA, [key.public])
    made.add_attachment(sealed, "application", "pgp-encrypted", filename="report.pdf.asc")
    return sandbox.add_mail(agent, made.as_bytes())


@pytest.fixture
def run(capsys):
    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(list(arguments))
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture
def own_key(key: OwnKey, mail: str) -> OwnKey:
    """The account has the private key."""
    open_profile(None).keychain().own_keys.keep(key)
    return key


def given(secret: str) -> int:
    """A descriptor that a passphrase can be read from."""
    reading, writing = os.pipe()
    os.write(writing, secret.encode() + b"\n")
    os.close(writing)
    return reading


def test_the_attachments_are_listed(run: Any, mail: str) -> None:
    assert run("sync")[0] == 0
    code, out, _ = run("attach", "list", mail)
    assert code == 0
    first, second = out.splitlines()
    assert first.startswith("(0) ")
    assert "\x1b" not in out
    assert second == "(1) report.pdf  {:,} bytes  encrypted  ready".format(
        json.loads(run("attach", "list", mail, "--json")[1])["attachments"][1]["size"]
    )


def test_all_files_are_saved_as_they_are_unless_told_otherwise(
    run: Any, mail: str, tmp_path: Path
) -> None:
    code, out, _ = run("attach", "save", mail, "--json")
    told = json.loads(out)
    assert (code, told["failed"]) == (0, [])
    plain, sealed = told["saved"]
    assert Path(plain["path"]) == tmp_path / "_[31mphoto.png"
    assert Path(plain["path"]).read_bytes() == DATA
    assert plain["sha256"] == sha256(DATA).hexdigest()
    assert Path(sealed["path"]) == tmp_path / "report.pdf.asc"
    assert (sealed["decrypted"], sealed["signature"]) == (False, None)
    assert Path(sealed["path"]).read_bytes().startswith(b"-----BEGIN PGP MESSAGE-----")


def test_one_file_is_decrypted_into_a_folder_with_the_passphrase_from_a_descriptor(
    run: Any, mail: str, own_key: OwnKey, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    code, out, err = run(
        "attach", "save", mail, "--index", "1", "--to", "in", "--decrypt", "--passphrase-fd",
        str(given(PASSPHRASE)),
    )  # fmt: skip
    assert (code, err) == (0, "")
    assert out == f"(1) {tmp_path}/in/report.pdf  decrypted\n"
    assert (tmp_path / "in" / "report.pdf").read_bytes() == DATA


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--index", "1", "--decrypt"), 8, "no key"),
        (("--index", "7"), 4, ""),
        (("--to", "nowhere"), 2, "There is no such folder."),
    ],
)
def test_what_cannot_be_done_is_said_with_its_exit_code(
    run: Any, mail: str, tmp_path: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    exit_code, out, err = run("attach", "save", mail, *arguments)
    assert (exit_code, out) == (code, "")
    assert said in err
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_passphrase_saves_nothing(
    run: Any, mail: str, own_key: OwnKey, tmp_path: Path
) -> None:
    code, _, err = run("attach", "save", mail, "--decrypt", "--passphrase-fd", str(given("wrong")))
    assert code == 8
    assert "does not open your private key" in err
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_message_is_exit_code_4(run: Any, mail: str) -> None:
    assert run("attach", "list", "no-such-message")[0] == 4


def test_the_verb_imports_neither_textual_nor_openpgp_before_it_needs_them(
    mail: str, tmp_path: Path
) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from tui.__main__ import main\n"
        f"code = main(['attach', 'save', {mail!r}, '--index', '0'])\n"
        "print(code, [m for m in ('textual', 'pgpy', 'cryptography') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout.splitlines()[-1] == "0 []"


def test_files_inside_of_the_encrypted_text_are_saved_with_the_others_when_it_is_decrypted(
    run: Any, sandbox: SandboxControl, agent: Agent, mail: str, own_key: OwnKey, tmp_path: Path
) -> None:
    inner = EmailMessage()
    inner.set_content("See the plan.")
    inner.add_attachment(DATA, "image", "png", filename="plan.png")
    sealed = messages.encrypt(inner.as_bytes(), [own_key.public]).decode()
    message_id = sandbox.add_mail(agent, pgp_mime(sealed))
    run("attach", "save", message_id, "--to", str(tmp_path))
    assert not (tmp_path / "plan.png").exists()
    code, out, err = run(
        "attach", "save", message_id, "--decrypt", "--passphrase-fd", str(given(PASSPHRASE)),
        "--index", "1000000",
    )  # fmt: skip
    assert (code, err) == (0, "")
    assert out == f"(1000000) {tmp_path}/plan.png  decrypted\n"
    assert (tmp_path / "plan.png").read_bytes() == DATA
