"""What commands leave in their folders: whether it is whole, and whether two folders hold the same bits."""

from __future__ import annotations

import contextlib
import csv
import json
import sqlite3
from typing import TYPE_CHECKING, Any

import torch

from retrolux.study import from_toml, read_results
from retrolux.study.checkpoint import read_checkpoint
from retrolux.study.run_record import read_record

if TYPE_CHECKING:
    from pathlib import Path


def check_run(run: Path, _: Path) -> None:
    """Read what there is of a run."""
    for name, read in (
        ("config.toml", from_toml),
        ("last.pt", read_checkpoint),
        ("best.pt", read_checkpoint),
        ("run.json", read_record),
        ("metrics.csv", _metrics),
    ):
        if (run / name).exists():
            read(run / name)


def check_all_runs(out: Path, whole: Path) -> None:
    """Read what there is of all runs of a sweep or a search."""
    for run in (out / "runs").glob("*/"):
        check_run(run, whole)
    if (out / "results.nc").exists():
        read_results(out / "results.nc")


def check_report(out: Path, whole: Path) -> None:
    """Compare each picture that is there in PNG; look for the end of the page and of the others, which have dates."""
    for name in _files(out):
        content = (out / name).read_bytes()
        if name.suffix == ".png":
            assert content == (whole / name).read_bytes(), f"{name} is not whole"
        else:
            assert content.rstrip().endswith(b"</svg>" if name.suffix == ".svg" else b"</html>"), f"{name} is not whole"


def compare_reports(out: Path, whole: Path) -> None:
    """Compare two reports."""
    assert _files(out) == _files(whole)
    check_report(out, whole)


def compare_runs(run: Path, whole: Path) -> None:
    """Compare two runs."""
    assert _files(run) == _files(whole)
    assert (run / "config.toml").read_bytes() == (whole / "config.toml").read_bytes()
    assert _metrics(run / "metrics.csv") == _metrics(whole / "metrics.csv")
    for name in ("last.pt", "best.pt"):
        _same_bits(read_checkpoint(run / name), read_checkpoint(whole / name))


def compare_sweeps(out: Path, whole: Path) -> None:
    """Compare two sweeps."""
    _compare_all_runs(out, whole)
    results, expected = (read_results(folder / "results.nc").drop_vars("seconds") for folder in (out, whole))
    assert results.drop_attrs(deep=False).identical(expected.drop_attrs(deep=False))


def compare_searches(out: Path, whole: Path) -> None:
    """Compare two searches: all that was chosen, and all that came of it."""
    _compare_all_runs(out, whole)
    assert _trials(out) == _trials(whole)
    assert (out / "best.toml").read_bytes() == (whole / "best.toml").read_bytes()


def _compare_all_runs(out: Path, whole: Path) -> None:
    assert _files(out) == _files(whole)
    for run in (whole / "runs").glob("*/"):
        compare_runs(out / "runs" / run.name, run)
        _same_bits(*(json.loads((there / "runs" / run.name / "run.json").read_text()) for there in (out, whole)))


def _trials(out: Path) -> list[tuple[Any, ...]]:
    with contextlib.closing(sqlite3.connect(out / "search.db")) as database:
        rows = database.execute(
            "SELECT number, state, value, param_name, param_value FROM trials"
            " LEFT JOIN trial_values USING (trial_id) LEFT JOIN trial_params USING (trial_id)"
        )
        return sorted(rows)


def _files(folder: Path) -> set[Path]:
    files = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {path for path in files if not path.name.startswith(".")}


def _metrics(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as rows:
        return [{name: value for name, value in row.items() if name != "seconds"} for row in csv.DictReader(rows)]


def _same_bits(one: Any, other: Any) -> None:
    """Compare values inside of each other, but not the wall times among them."""
    assert type(one) is type(other)
    if isinstance(one, torch.Tensor):
        assert one.dtype == other.dtype
        assert one.contiguous().view(torch.uint8).equal(other.contiguous().view(torch.uint8)) if one.ndim else True
        assert torch.equal(one, other)
    elif isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one.keys() - {"seconds"}:
            _same_bits(one[key], other[key])
    elif isinstance(one, list):
        for left, right in zip(one, other, strict=True):
            _same_bits(left, right)
    else:
        assert one == other
