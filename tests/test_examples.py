"""Every example runs as a reader would run it, with less to do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "examples"
ARGUMENTS = {
    "analog_clamp": ["--dataset", "digits", "--epochs", "2", "--seeds", "2"],
    "analog_map": ["--dataset", "digits", "--epochs", "2", "--bits", "2", "4", "--leakage", "0", "0.4"],
    "cifar": ["--block", "16", "--chip-steps", "1", "--chip-images", "10"],
    "decision_maps": ["--epochs", "2"],
    "gradient_laws": ["--effort", "64"],
    "my_chip": [],
    "quick_start": [],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.py")))
def test_it_runs(name, tmp_path, request):
    needs_images = ["--data-dir", str(request.getfixturevalue("data_dir"))] if name == "cifar" else []
    command = [sys.executable, "-W", "error", str(FOLDER / f"{name}.py"), *ARGUMENTS[name], *needs_images]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    figure = done.stdout.splitlines()[-1].rpartition("figure: ")
    if figure[1]:
        assert (tmp_path / figure[2]).read_bytes().startswith(b"\x89PNG")
