"""Folders and files are private whatever the umask, and names stay inside their folder (S01)."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.errors import ConfigError, UsageError
from services.paths import Paths, private_folder, tighten_file, write_private


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=[0o000, 0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def paths_in(home: Path) -> Paths:
    return Paths.from_environment({"HOME": str(home)})


def test_folders_follow_the_xdg_rules(tmp_path: Path) -> None:
    environ = {"HOME": "/home/me", "XDG_CONFIG_HOME": str(tmp_path), "XDG_DATA_HOME": "relative"}
    paths = Paths.from_environment(environ)
    assert paths.config_file == tmp_path / "agentmail-tui/config.toml"
    assert paths.data_dir == Path("/home/me/.local/share/agentmail-tui")
    assert paths.state_dir == Path("/home/me/.local/state/agentmail-tui")


def test_nothing_is_created_by_asking_where_things_are(tmp_path: Path) -> None:
    paths = paths_in(tmp_path)
    assert paths.account_folder("work")
    assert paths.token_file("work")
    assert list(tmp_path.iterdir()) == []


def test_account_folders_are_0700_under_any_umask(tmp_path: Path, umask: int) -> None:
    folder = paths_in(tmp_path).account_dir("work")
    while folder != tmp_path:
        assert mode(folder) == 0o700
        folder = folder.parent


def test_files_are_0600_under_any_umask(tmp_path: Path, umask: int) -> None:
    file = tmp_path / "deep/er/file"
    write_private(file, b"x")
    assert mode(file) == 0o600
    assert mode(file.parent) == 0o700


def test_a_loose_folder_is_tightened(tmp_path: Path) -> None:
    folder = tmp_path / "loose"
    folder.mkdir()
    folder.chmod(0o777)
    private_folder(folder)
    assert mode(folder) == 0o700


def test_a_folder_of_somebody_else_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(ConfigError, match="belongs to another user"):
        private_folder(tmp_path)


def test_a_file_where_a_folder_should_be_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    with pytest.raises(ConfigError, match="cannot be used"):
        private_folder(tmp_path / "x")


def test_a_loose_file_is_tightened_and_told(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("x")
    file.chmod(0o644)
    assert tighten_file(file) is True
    assert mode(file) == 0o600
    assert tighten_file(file) is False


def test_a_link_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("x")
    (tmp_path / "token").symlink_to(tmp_path / "target")
    with pytest.raises(ConfigError, match="not a plain file"):
        tighten_file(tmp_path / "token")


def test_writing_replaces_in_one_step_and_leaves_nothing_behind(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    write_private(file, b"old")
    write_private(file, b"new")
    assert file.read_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir()] == ["config.toml"]


def test_writing_through_a_link_keeps_the_link(tmp_path: Path) -> None:
    (tmp_path / "dotfiles").mkdir()
    target = tmp_path / "dotfiles/config.toml"
    target.write_bytes(b"old")
    link = tmp_path / "config.toml"
    link.symlink_to(target)
    write_private(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "../x", ".hidden", "a\x00b", "a\nb", "x" * 65, "é", "-x", "a b"]
)
def test_names_that_could_leave_the_folder_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError):
        paths_in(tmp_path).account_dir(name)


@pytest.mark.parametrize("name", ["work", "ops-bot@agents.example.com", "a.b_c+d", "env-12ab"])
def test_usual_names_are_taken(tmp_path: Path, name: str) -> None:
    assert paths_in(tmp_path).account_dir(name).name == name
