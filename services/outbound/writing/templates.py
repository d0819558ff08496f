"""The operator's signatures and templates: files beside the config.

`signatures/ACCOUNT` signs the mail of one account, `signature` that of all others; templates are
`templates/NAME.txt`.

Closes the trap of a file that holds the program (a pipe, a device, a gigabyte) or that leads out of
its folder by its name: only plain UTF-8 files of at most 256 KB are read, and names are plain words.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from services.addresses import entries
from services.errors import ConfigError, NotFound, UsageError
from services.outbound.writing.typed_addresses import read_address, written

SIZE_LIMIT: Final = 256 * 1024
TEMPLATES_LIMIT: Final = 500
_SUFFIX: Final = ".txt"
_NAME: Final = re.compile(r"\w[\w .@+-]{0,63}")
_FIELD: Final = re.compile(r"(subject|to|cc):[ \t]*(.*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Template:
    """What a mail begins with. A file may start with `Subject:`, `To:`, `Cc:` and an empty line."""

    body: str = ""
    subject: str = ""
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stationery:
    """The signature and templates in the configuration folder. Reads files: not on a loop."""

    folder: Path

    def signature(self, account: str = "") -> str:
        """Return an account's signature without its rule, else the common one, else "".

        ConfigError if its file cannot be used.
        """
        text = _read(self.folder / "signatures" / account) if _NAME.fullmatch(account) else None
        if text is None:
            text = _read(self.folder / "signature")
        return "" if text is None else text.removeprefix("-- \n").strip("\n")

    def names(self) -> tuple[str, ...]:
        """Return the names of the templates, sorted."""
        try:
            found = sorted(entry.name for entry in (self.folder / "templates").iterdir())
        except OSError:
            return ()
        stems = (name.removesuffix(_SUFFIX) for name in found if name.endswith(_SUFFIX))
        return tuple(stem for stem in stems if _NAME.fullmatch(stem))[:TEMPLATES_LIMIT]

    def template(self, name: str) -> Template:
        """Return a template; NotFound when there is none of this name, ConfigError if unusable."""
        text = None
        if _NAME.fullmatch(name):
            text = _read(self.folder / "templates" / f"{name}{_SUFFIX}")
        if text is None:
            known = ", ".join(self.names()[:20])
            raise NotFound(
                f"There is no template {name!a}.",
                f"There are: {known}."
                if known
                else f"Write one as {self.folder}/templates/NAME.txt.",
            )
        try:
            return _parsed(text)
        except UsageError as error:
            where = self.folder / "templates" / f"{name}{_SUFFIX}"
            raise ConfigError(f"{where}: {error.sentence}", error.next_step) from error


def _parsed(text: str) -> Template:
    """Split off the fields at the top; without an empty line behind them there are none."""
    template = Template()
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if not line.strip() and number:
            return replace(template, body="\n".join(lines[number + 1 :]).strip("\n"))
        field = _FIELD.fullmatch(line.rstrip())
        if field is None:
            break
        template = _with_field(template, field[1].lower(), field[2].strip())
    return Template(body=text.strip("\n"))


def _with_field(template: Template, name: str, value: str) -> Template:
    if name == "subject":
        return replace(template, subject=value)
    people = tuple(written(read_address(one)) for one in entries(value))
    return replace(template, to=people) if name == "to" else replace(template, cc=people)


def _read(file: Path) -> str | None:
    """Return the text of a plain file, None when there is none; ConfigError for anything else."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise ConfigError(f"{file} is not a plain file.", "Move it away.")
        with os.fdopen(descriptor, "rb") as opened:
            data = opened.read(SIZE_LIMIT + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}.", "Check it.") from error
    if len(data) > SIZE_LIMIT:
        raise ConfigError(f"{file} is larger than {SIZE_LIMIT // 1024} KB.", "Shorten it.")
    try:
        return data.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file} is not UTF-8 text.", "Save it as UTF-8.") from error
