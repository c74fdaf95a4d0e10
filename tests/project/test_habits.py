"""The house rules as tests: style, types, import contracts, the READMEs' commands,
no machine named."""

import ast
import os
import re
import subprocess
import sys

import pytest

from tests.support.paths import ROOT, TESTS


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)


def test_style():
    result = run(sys.executable, "-m", "ruff", "check", ".")
    assert result.returncode == 0, result.stdout
    result = run(sys.executable, "-m", "ruff", "format", "--check", ".")
    assert result.returncode == 0, result.stdout


def test_types():
    result = run(sys.executable, "-m", "mypy")
    assert result.returncode == 0, result.stdout


def test_import_contracts():
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    result = run(sys.executable, "-c", code)
    assert result.returncode == 0, result.stdout + result.stderr


def blocks(name: str) -> list[str]:
    return re.findall(r"```console\n(.*?)```", (ROOT / name).read_text("utf-8"), re.DOTALL)


def test_both_readmes_give_the_same_commands():
    assert blocks("README.md") == blocks("README.en.md")


def test_the_readmes_are_in_step():
    """The same headings, rows, commands and ways on, in the same order."""

    def shape(name):
        text = (ROOT / name).read_text("utf-8")
        links = re.findall(r"\]\(([^)]+)\)", text)
        return (
            [mark.count("#") for mark in re.findall(r"(?m)^#+ ", text)],
            len(re.findall(r"(?m)^\|", text)),
            re.findall(r"`xltool (\w+)", text),
            sorted(set(links) - {"README.md", "README.en.md"}),
        )

    assert shape("README.md") == shape("README.en.md")


@pytest.mark.parametrize("name", ["README.md", "README.en.md"])
def test_both_readmes_lead_to_every_page(name):
    text = (ROOT / name).read_text("utf-8")
    pages = {f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")} | {"CHANGELOG.md"}
    assert {page for page in pages if f"]({page})" not in text} == set()
    assert {
        page for page in re.findall(r"\]\(([^)]+\.md)\)", text) if not (ROOT / page).exists()
    } == set()


def test_ci_runs_the_readme_test_command():
    [_, tests] = blocks("README.md")
    assert tests.strip() in (ROOT / ".ci" / "run").read_text("utf-8")


@pytest.mark.timeout(1800)  # what it installs comes over the network, beside the other tests
def test_the_readme_main_job_works_in_a_fresh_environment(tmp_path):
    """The first command of the README, word for word, in a new virtual environment."""
    [main, _] = blocks("README.md")
    venv = tmp_path / "venv"
    run(sys.executable, "-m", "venv", str(venv))
    command = (
        main.strip()
        .replace("python ", f"{venv}/bin/python ")
        .replace("demo-out", f"{tmp_path}/结果 夹")
    )
    command = command.replace(f"{tmp_path}/结果 夹", f"'{tmp_path}/结果 夹'")
    result = subprocess.run(
        ["bash", "-c", command], cwd=ROOT, capture_output=True, encoding="utf-8", check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    made = {path.name for path in (tmp_path / "结果 夹").rglob("*") if path.is_file()}
    assert {
        "report.html",
        "report.json",
        "report.xlsx",
        "沅江市科学技术和工业信息化局.xlsx",
    } <= made
    assert "711.94" in result.stdout
    assert "1245.61" in result.stdout
    # The installed package has all it needs with it: the same from another folder.
    installed = subprocess.run(
        [venv / "bin" / "xltool", "demo", "again"],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert installed.returncode == 0, installed.stderr
    assert (tmp_path / "again" / "report.html").is_file()


def test_nothing_names_a_machine_or_a_registry():
    words = [
        "/wo" + "rk/",
        "/fa" + "rm/",
        "/.lib" + "rary",
        "pypi.o" + "rg",
        "registry.npm" + "js",
        "deb.deb" + "ian",
    ]
    result = run("git", "grep", "-nFI", *(part for word in words for part in ("-e", word)))
    if result.returncode == 128:
        pytest.skip("not a git checkout")
    assert result.stdout == ""


def test_no_group_is_possessive():
    """Python before 3.11.5 (Debian 12 has 3.11.2) goes on behind a failed attempt: `(?:[.][0-9])?+`
    eats the dot of `1.x`. Characters and sets may be possessive, groups not."""
    wrong = [
        f"{path.name}: {line.strip()}"
        for path in (ROOT / "xltool").rglob("*.py")
        for line in path.read_text("utf-8").splitlines()
        if re.search(r"\)(?:[*?+]|\{[0-9,]+\})\+", line)
    ]
    assert wrong == []


def test_tests_lie_where_the_package_has_its_rooms():
    """A room's tests are in the folder of its name;
    what concerns the project itself is in `project`."""
    rooms = {
        folder.name for folder in (ROOT / "xltool").iterdir() if (folder / "__init__.py").is_file()
    }
    tested = {test.relative_to(TESTS).parts[0] for test in TESTS.rglob("test_*.py")}
    # The package's own face and what stands beside it are one module each.
    assert tested - rooms == {"project", "face"}


def test_no_test_imports_another():
    """What two tests need is in `tests/support`."""
    borrowed = [
        f"{test.name}: {line}"
        for test in TESTS.rglob("test_*.py")
        for line in test.read_text("utf-8").splitlines()
        if re.match(r"\s*(from|import) tests\.(?!support\b)", line)
    ]
    assert borrowed == []


@pytest.mark.xdist_group("together")
def test_tests_of_a_group_stay_together(request):
    """Apart, several spreadsheet programs and browsers would run at once
    and be in each other's way."""
    if os.environ.get("PYTEST_XDIST_WORKER"):
        assert request.node.nodeid.endswith("@together")


def test_a_type_name_is_defined_once():
    homes: dict[str, set[str]] = {}
    for path in (ROOT / "xltool").rglob("*.py"):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef):
                homes.setdefault(node.name.lstrip("_"), set()).add(path.name)
    assert {name: places for name, places in homes.items() if len(places) > 1} == {}


def test_no_edition_is_named_in_the_code():
    """Editions are data; the default one is named in `editions/shipped/default.txt`."""
    shipped = [file.parent.name for file in (ROOT / "xltool").rglob("shipped/*/edition.toml")]
    assert shipped
    for file in (ROOT / "xltool").rglob("*.py"):
        text = file.read_text("utf-8")
        assert not [id_ for id_ in shipped if id_ in text], file
