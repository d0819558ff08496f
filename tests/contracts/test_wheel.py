"""The wheel holds what the tree holds, under one name, and starts among hostile neighbours."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    tree = folder / "tree"
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.split("\n")  # fmt: skip
    for name in filter(None, tracked):
        if (ROOT / name).is_file():
            target = tree / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((ROOT / name).read_bytes())
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "--quiet",
            "--no-deps",
            "--no-build-isolation",
            "-w",
            str(folder),
            str(tree),
        ],
        check=True,
    )
    (built,) = folder.glob("*.whl")
    return built


def _bundled(wheel: Path) -> set[str]:
    names = zipfile.ZipFile(wheel).namelist()
    prefix = "agentmail_tui/_bundle/"
    return {name.removeprefix(prefix) for name in names if name.startswith(prefix)}


def test_every_module_and_stylesheet_of_the_tree_is_in_the_wheel(wheel: Path) -> None:
    wanted = {
        str(path.relative_to(ROOT))
        for package in ("tui", "widgets", "services")
        for path in (ROOT / package).rglob("*")
        if path.suffix in (".py", ".tcss") and "_launcher" not in path.parts
    }
    assert _bundled(wheel) == wanted


def test_one_name_stands_at_the_top_of_the_wheel(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"agentmail_tui"}


def test_hostile_packages_in_the_current_folder_are_not_imported(
    wheel: Path, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    hostile = tmp_path / "hostile"
    for name in ("services", "tui", "widgets"):
        (hostile / name).mkdir(parents=True)
        (hostile / name / "__init__.py").write_text("raise SystemExit('hostile code ran')\n")
    code = f"import sys; sys.path.insert(0, {str(site)!r}); import agentmail_tui; sys.argv = ['x', '--help']; raise SystemExit(agentmail_tui.main())"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=hostile, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "agentmail-tui" in done.stdout
    assert "hostile code ran" not in done.stdout + done.stderr
