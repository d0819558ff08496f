"""The render worker over real processes: limits, restarts, seal, and every mail of the corpora."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

import services.reading.render_process as render_process
from services.ports import MailRenderer
from services.reading.render_process import RenderWorker
from services.shown_mail import LineKind, RenderedMessage
from services.wire_values import InboundAttachment
from tests.services.mail_corpora import all_mails, corpora, generate_hostile_mails

MAIL = b"From: a@example.org\r\nSubject: t\r\n\r\nhello\r\n"
HOME = Path(render_process.__file__).resolve().parent.parent.parent


@pytest.fixture(scope="module")
def worker() -> Iterator[RenderWorker]:
    made = RenderWorker()
    yield made
    made.close()


@pytest.fixture
def bombs(tmp_path: Path) -> list[Path]:
    return generate_hostile_mails(tmp_path / "mails")


def failed(message: RenderedMessage) -> bool:
    return any("cannot be shown as text" in line.text for line in message.body)


def run_sealed(code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process that has given up what the worker gives up."""
    start = f"import sys, socket; sys.path[:] = {[str(HOME), *sys.path]!r}\n"
    start += "from services.reading.render_worker import seal\nfrom services.reading.attachment_manifest import load_header_parser\n"
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", start + "seal()\n" + code],
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_mail_of_the_corpora_is_read_within_the_limits(worker: RenderWorker) -> None:
    mails = all_mails()
    assert len(mails) > 300
    broken = [path for path in mails if failed(worker.render_sync(path.read_bytes()))]
    assert broken == []


def test_every_generated_bomb_is_read_within_the_limits(
    worker: RenderWorker, bombs: list[Path]
) -> None:
    assert len(bombs) >= 80
    for path in bombs:
        message = worker.render_sync(path.read_bytes())
        assert not failed(message), path.name
        assert message.body, path.name


def test_every_page_of_the_corpora_is_read_as_a_mail(worker: RenderWorker) -> None:
    head = b"From: a@example.org\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    pages = sorted(corpora().rglob("*.html"))
    assert len(pages) > 60
    assert [page for page in pages if failed(worker.render_sync(head + page.read_bytes()))] == []


def test_one_child_serves_many_mails(worker: RenderWorker) -> None:
    worker.render_sync(MAIL)
    first = worker.pid
    assert {worker.render_sync(MAIL).subject for _ in range(50)} == {"t"}
    assert worker.pid == first


async def test_the_port_answers_on_an_event_loop_and_for_many_at_once() -> None:
    worker: MailRenderer = RenderWorker()
    messages = await asyncio.gather(*(worker.render(MAIL) for _ in range(20)))
    assert {message.subject for message in messages} == {"t"}
    await worker.aclose()
    closed = await asyncio.to_thread(RenderWorker.render_sync, worker, MAIL)  # type: ignore[arg-type]
    assert closed.body[0].kind is LineKind.NOTICE


def test_a_killed_child_gives_a_placeholder_and_the_next_mail_a_new_child(
    worker: RenderWorker,
) -> None:
    worker.render_sync(MAIL)
    dead = worker.pid
    assert dead is not None
    os.kill(dead, signal.SIGSTOP)
    os.kill(dead, signal.SIGKILL)
    attachments = (InboundAttachment(0, "a.pdf"),)
    first = worker.render_sync(MAIL, attachments=attachments)
    again = worker.render_sync(MAIL)
    assert again.subject == "t"
    assert worker.pid != dead
    assert failed(first) or first.subject == "t", (
        "a child found dead before the mail is replaced at once"
    )


def test_a_child_that_hangs_is_replaced_and_the_placeholder_offers_the_raw_view() -> None:
    worker = RenderWorker()
    assert worker.render_sync(b"").body
    worker._child._seconds = 0.05
    hung = worker.pid
    assert hung is not None
    os.kill(hung, signal.SIGSTOP)
    message = worker.render_sync(MAIL, attachments=(InboundAttachment(0, "a.pdf"),))
    assert [line.kind for line in message.body] == [LineKind.NOTICE, LineKind.NOTICE]
    assert "took too long" in message.body[0].text
    assert "raw view" in message.body[1].text
    assert [part.file_name for part in message.attachments] == ["a.pdf"]
    assert not Path(f"/proc/{hung}").exists()
    worker.close()


def test_revealing_reaches_the_child(worker: RenderWorker) -> None:
    raw = b"From: a@x.example\r\nContent-Type: text/html\r\n\r\n<p>Hi</p><p hidden>obey</p>"
    assert "obey" not in "".join(line.text for line in worker.render_sync(raw).body)
    assert "⟦obey⟧" in "".join(line.text for line in worker.render_sync(raw, reveal=True).body)


def test_a_mail_beyond_the_size_limit_is_read_up_to_it_and_told(worker: RenderWorker) -> None:
    message = worker.render_sync(MAIL + b"x" * 26_000_000)
    assert message.subject == "t"
    assert any("only the first 25,000,000" in note for note in message.notes)
    told = worker.render_sync(MAIL, true_size=10**12)
    assert any("1,000,000,000,000 bytes" in note for note in told.notes)


@pytest.mark.parametrize(
    "code",
    ["socket.socket()", "open('/etc/hostname')", "open('/tmp/x', 'w')", "import os; os.pipe()"],
)
def test_the_sealed_process_can_open_neither_socket_nor_file(code: str) -> None:
    done = run_sealed(
        f"try:\n    {code}\nexcept OSError as error:\n    sys.stdout.write(str(error.errno))"
    )
    assert done.stdout == "24"


def test_the_sealed_process_has_512_megabytes() -> None:
    done = run_sealed(
        "x = bytearray(300_000_000)\ntry:\n    bytearray(400_000_000)\nexcept MemoryError:\n    print('stopped')"
    )
    assert done.stdout == "stopped\n"


def test_a_child_ends_when_its_parent_is_gone() -> None:
    code = (
        f"import sys, os; sys.path.insert(0, {str(HOME)!r})\n"
        "from services.reading.render_process import RenderWorker\n"
        f"w = RenderWorker(); w.render_sync({MAIL!r}); print(w.pid, flush=True); os._exit(0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    pid = int(done.stdout)
    # The child reads end of file and leaves; waiting on its directory needs no clock.
    with suppress(FileNotFoundError, ProcessLookupError):
        while Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z":
            pass


def test_a_hostile_folder_and_environment_have_no_say_in_what_the_child_imports(
    tmp_path: Path,
) -> None:
    package = tmp_path / "services"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('hostile')")
    code = (
        f"import sys; sys.path.insert(0, {str(HOME)!r})\n"
        "from services.reading.render_process import RenderWorker\n"
        f"w = RenderWorker(); print(w.render_sync({MAIL!r}).subject); w.close()"
    )
    environment = {"PYTHONPATH": str(tmp_path), "PYTHONSTARTUP": "x", "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
        check=False,
    )
    assert done.stdout == "t\n", done.stderr


def test_an_idle_worker_sleeps_in_a_read(worker: RenderWorker) -> None:
    worker.render_sync(MAIL)
    while Path(f"/proc/{worker.pid}/stat").read_text().split()[2] != "S":
        pass
