"""Tasks: `nox -s light`, `lint`, `tests`, `site`, `pythons`. They run in the environment that is active."""

import nox

nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "light"]


@nox.session
def light(session: nox.Session) -> None:
    """The tests that need no spreadsheet program, browser, cluster or node."""
    session.run("python", "-m", "pytest", "-q", "-m", "not heavy", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Style, types, import contracts."""
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
    session.run("lint-imports")


@nox.session
def tests(session: nox.Session) -> None:
    """Everything."""
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session
def site(session: nox.Session) -> None:
    """The documentation as a site, and its zip."""
    session.run("python", "-m", "website.build")


@nox.session
def pythons(session: nox.Session) -> None:
    """The light tests with the lowest versions and on every other Python that is here."""
    session.run("bash", ".ci/pythons", "all", external=True)
