from __future__ import annotations

import pytest

from services.reading.file_footer import is_file_list

FILES = ("report.pdf.asc", "list (2).csv.asc")
LINK = "https://files.example/uploads/a/1?X-Amz-Signature=s&X-Amz-Expires=604800"
OTHER = "https://evil.example/uploads/a/1"


@pytest.mark.parametrize(
    "text",
    [
        f"--\nAttachments (links are valid for 7 days):\n- report.pdf.asc (812 bytes): {LINK}\n",
        f"\n---\nAttachments (links valid for 7 days):\n- report.pdf.asc (1 bytes): {LINK}\n- list (2).csv.asc: {LINK}",
        f"Attachments:\n{LINK}\n",
        f"report.pdf.asc 1.2 MB\n{LINK}",
        f"* report.pdf.asc <{LINK}>",
    ],
)
def test_the_service_s_list_of_files_is_known(text: str) -> None:
    assert is_file_list(text.split("\n"), FILES)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "--\nAttachments:\n",
        "Please pay today.",
        f"Attachments:\n- report.pdf.asc: {LINK}\nPlease pay today.",
        f"Please open it here:\n- report.pdf.asc: {LINK}",
        f"Attachments:\n- report.pdf.asc is old, take this one: {LINK}",
        f"Attachments:\n- invoice.exe (2 bytes): {LINK}",
        f"Attachments:\n- report.pdf.asc: {LINK}\n- list (2).csv.asc: {OTHER}",
        f"Attachments:\n- report.pdf.asc: {LINK} {OTHER}",
        "Attachments:\n- report.pdf.asc: ftp://files.example/x",
        "Attachments:\n- report.pdf.asc: https://[x",
        f"Attachments (pay 200 EUR to 12-34-56 at once!):\n- report.pdf.asc: {LINK}",
        f"Attachments (pay 200 EUR to Bob now):\n- report.pdf.asc: {LINK}",
        "\n".join(["report.pdf.asc"] * 601),
    ],
)
def test_other_words_are_no_list_of_files(text: str) -> None:
    assert not is_file_list(text.split("\n"), FILES)


def test_without_files_there_is_no_list_of_them() -> None:
    assert not is_file_list([LINK], ())
    assert not is_file_list([LINK], ("",))
