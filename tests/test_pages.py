"""Pages keep what they promise: their Python runs, their commands are understood, their links lead somewhere."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from retrolux import cli

ROOT = Path(__file__).parent.parent
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "bench" / "README.md"]


def blocks(language):
    """Return the code blocks of a language in all pages, by page and number."""
    found = {}
    for page in PAGES:
        texts = re.findall(rf"^```{language}\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
        found |= {f"{page.relative_to(ROOT)}, {number}": text for number, text in enumerate(texts, 1)}
    return found


PYTHON = blocks("python")
COMMANDS = [
    line.partition(" #")[0].strip()
    for text in blocks("sh").values()
    for line in text.replace("\\\n", " ").splitlines()
    if line.startswith("retrolux ")
]


@pytest.mark.slow
@pytest.mark.parametrize("where", PYTHON)
def test_python_runs(where, tmp_path):
    command = [sys.executable, "-W", "error", "-c", PYTHON[where]]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_are_understood(command):
    arguments = shlex.split(command)[1:]
    assert type(cli.parse(arguments)).__name__.lower() == arguments[0]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        path, _, _ = link.partition("#")
        if path and "://" not in path and not path.startswith("mailto:"):
            assert (page.parent / path).exists(), link


def test_there_is_something_to_test():
    assert len(PYTHON) >= 2
    assert len(COMMANDS) >= 7
