"""Amazon SES by real TLS and through a real proxy: what a proxy may read, and what is told."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

from services.api.failures import Barred, Untrusted
from services.api.ses import SesTransport
from services.config import load
from services.errors import BadAnswer, ConfigError, Offline, ServiceError
from services.paths import Paths
from services.service_config import SesPlace
from tests.fakes.scripted_service import FakeService, answer
from tests.fakes.tls_and_proxy import FakeProxy, TlsFront

pytest.importorskip("boto3")
HOST = "email.eu-west-1.amazonaws.com"
TAKEN = answer(200, {"MessageId": "0100-mail"})


@pytest.fixture(autouse=True)
def authority(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> trustme.CA:
    """Credentials, and an authority that boto3 trusts in its own way."""
    made = trustme.CA()
    made.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "authority.pem"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "canary-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    return made


async def sent(endpoint: str = "", proxy: str = "") -> str:
    place = SesPlace("bot@agents.example.com", "eu-west-1", endpoint, proxy=proxy)
    return (await SesTransport(place).send_raw(b"canary mail", to="ann@outside.example")).message_id


async def refused(endpoint: str = "", proxy: str = "") -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        await sent(endpoint, proxy)
    return caught.value


async def test_mail_goes_by_tls_through_the_proxy_which_reads_nothing(
    authority: trustme.CA,
) -> None:
    async with (
        FakeService(TAKEN) as ses,
        TlsFront(authority.issue_cert(HOST), ses.port) as front,
        FakeProxy({f"{HOST}:443": front.port}) as proxy,
    ):
        assert await sent(proxy=proxy.url) == "0100-mail"
        assert proxy.asked == [f"{HOST}:443"]
        for secret in (b"canary", b"ann@outside.example", b"Authorization", b"Y2FuYXJ5"):
            assert secret not in proxy.heard


async def test_mail_to_a_place_on_this_machine_passes_no_proxy_in_clear() -> None:
    async with FakeService(TAKEN) as ses, FakeProxy({}) as proxy:
        assert await sent(ses.url, proxy.url) == "0100-mail"
        assert proxy.connections == 0


@pytest.mark.parametrize(
    ("name", "years", "told"),
    [
        ("127.0.0.1", (2001, 2002), "has expired"),
        ("127.0.0.1", (2090, 2091), "is not valid yet"),
        ("mail.example", (2001, 2090), "is for another name"),
    ],
    ids=["expired", "not-yet", "another-name"],
)
async def test_a_bad_certificate_is_told_and_no_mail_can_have_left(
    name: str, years: tuple[int, int], told: str, authority: trustme.CA
) -> None:
    first, last = (datetime(year, 1, 1, tzinfo=UTC) for year in years)
    certificate = authority.issue_cert(name, not_before=first, not_after=last)
    async with FakeService(TAKEN) as ses, TlsFront(certificate, ses.port) as front:
        error = await refused(f"https://127.0.0.1:{front.port}")
        assert ses.seen == []
    assert isinstance(error, Untrusted)
    assert told in error.sentence
    assert not error.uncertain


async def test_an_unknown_authority_says_where_boto_looks_for_one() -> None:
    other = trustme.CA().issue_cert("127.0.0.1")
    async with FakeService(TAKEN) as ses, TlsFront(other, ses.port) as front:
        error = await refused(f"https://127.0.0.1:{front.port}")
    assert isinstance(error, Untrusted)
    assert "AWS_CA_BUNDLE" in error.next_step


@pytest.mark.parametrize(
    ("refusal", "kind", "told"),
    [
        (b"HTTP/1.1 407 Sign in\r\n\r\n", Barred, "asks for a password"),
        (b"HTTP/1.1 403 No\r\n\r\n", Barred, "refuses to connect"),
        (b"HTTP/1.1 502 Bad\r\n\r\n", Offline, "(status 502)"),
    ],
    ids=["password", "forbidden", "bad-gateway"],
)
async def test_a_proxy_that_refuses_is_named_and_no_mail_can_have_left(
    refusal: bytes, kind: type[ServiceError], told: str
) -> None:
    async with FakeProxy({}, refusal=refusal) as proxy:
        error = await refused(proxy=proxy.url)
    assert isinstance(error, kind)
    assert told in error.sentence
    assert proxy.url in error.sentence
    assert not error.uncertain
    assert b"canary" not in proxy.heard


async def test_a_proxy_that_is_not_there_is_named() -> None:
    error = await refused(proxy="http://127.0.0.1:1")
    assert f"https://{HOST} cannot be reached through the proxy" in error.sentence
    assert not error.uncertain


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed_and_told(status: int) -> None:
    async with FakeService(TAKEN) as elsewhere:
        away = answer(status, {}, headers={"Location": f"{elsewhere.url}/v2"})
        async with FakeService(away) as ses:
            error = await refused(ses.url)
        assert elsewhere.connections == 0
    assert isinstance(error, BadAnswer)
    assert error.status == status
    assert not error.uncertain


@pytest.mark.parametrize("proxy", ["http://user:word@proxy.example:1", "http://proxy.example/a"])
def test_a_proxy_with_a_password_or_a_path_is_refused_in_the_configuration(
    proxy: str, tmp_path: Path
) -> None:
    paths = Paths.from_environment({"HOME": str(tmp_path)})
    paths.config_dir.mkdir(parents=True)
    paths.config_file.write_text(
        '[accounts.work]\nkind = "assmbl"\nbase_url = "https://api.example.com"\n'
        f'[accounts.work.ses]\nidentity = "bot@agents.example.com"\nproxy = "{proxy}"\n'
    )
    with pytest.raises(ConfigError, match=r"work\.ses: proxy must not hold"):
        load(paths, {})
