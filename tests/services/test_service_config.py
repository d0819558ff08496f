"""Which services an account can name, and what its table for SES may say."""

from __future__ import annotations

import pytest

from services.errors import ConfigError, UsageError
from services.service_config import (
    AGENTMAIL_TO,
    ASSMBL,
    SendProfile,
    SesPlace,
    read_profile,
    read_ses,
    service_url,
)


@pytest.mark.parametrize(
    ("url", "checked"),
    [
        ("", "https://api.agentmail.to/v0"),
        ("https://api.agentmail.to/v0/", "https://api.agentmail.to/v0"),
        ("https://api.agentmail.eu/v0", "https://api.agentmail.eu/v0"),
        ("http://127.0.0.1:8080/v0", "http://127.0.0.1:8080/v0"),
    ],
)
def test_agentmail_to_is_reached_where_it_is_and_nowhere_else(url: str, checked: str) -> None:
    assert service_url(AGENTMAIL_TO, url) == checked


@pytest.mark.parametrize(
    "url",
    [
        "https://api.agentmail.ai/v0/",
        "https://api.agentmail.to/",
        "https://api.agentmail.to/v1/",
        "https://api.agentmail.to.evil.example/v0/",
        "https://api.agentmail.to@evil.example/v0/",
        "https://api.agentmail.to:8443/v0/",
        "http://api.agentmail.to/v0/",
        "https://xn--gentmail-94a.to/v0/",
        "http://127.0.0.1:8080/",
    ],
)
def test_no_other_host_gets_the_key_of_agentmail_to(url: str) -> None:
    with pytest.raises(UsageError) as told:
        service_url(AGENTMAIL_TO, url)
    assert told.value.sentence


def test_the_well_known_wrong_host_is_named_with_the_right_one() -> None:
    with pytest.raises(UsageError) as told:
        service_url(AGENTMAIL_TO, "https://api.agentmail.ai/v0/")
    assert "https://api.agentmail.to/v0/" in told.value.next_step


def test_another_kind_of_service_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(UsageError) as told:
        service_url("imap", "https://mail.example.com")
    assert ASSMBL in told.value.next_step
    assert AGENTMAIL_TO in told.value.next_step


def test_a_profile_is_strict_unless_it_says_wide() -> None:
    assert read_profile({}, "here") is SendProfile.STRICT
    assert read_profile({"profile": "wide"}, "here") is SendProfile.WIDE
    with pytest.raises(ConfigError):
        read_profile({"profile": "html"}, "here")


def test_a_table_of_ses_is_read_whole() -> None:
    said = {"identity": "bot@example.com", "region": "eu-west-1", "profile": "mail"}
    assert read_ses({"ses": said}, "here") == SesPlace("bot@example.com", "eu-west-1", "", "mail")
    assert read_ses({}, "here") is None


@pytest.mark.parametrize(
    "said",
    [
        "eu-west-1",
        {},
        {"identity": ""},
        {"identity": "Bot <bot@example.com>"},
        {"identity": "bot@example.com", "secret_access_key": "x"},
        {"identity": "bot@example.com", "region": 1},
        {"identity": "bot@example.com", "region": "eu\r\nHost: elsewhere"},
    ],
)
def test_a_table_of_ses_that_cannot_be_meant_is_refused_by_its_place(said: object) -> None:
    with pytest.raises(ConfigError) as told:
        read_ses({"ses": said}, "here")
    assert told.value.sentence.startswith("here")
