"""`retrolux report`: a page from a file, and one line for a file that is none."""

from __future__ import annotations

import re

import numpy as np
import pytest
import xarray as xr

from retrolux import cli
from retrolux.study import Sweep
from retrolux.study.results import empty_results, write_results


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def results():
    results = empty_results(Sweep(lists={"tap_noise": (0.0, 0.1)}))
    results["failure"][:] = ""
    results["metrics"][:] = np.linspace(0.9, 0.1, results.sizes["epoch"])
    return results


@pytest.mark.slow
def test_the_report_stands_beside_the_result(folder, capsys, results):
    write_results(results, folder / "here" / "results.nc")
    assert cli.main(["report", "here/results.nc"]) == 0
    assert capsys.readouterr().out == "the report is here/report.html\n"
    assert sorted(file.name for file in (folder / "here").iterdir()) == [
        ".lock",
        "figures",
        "report.html",
        "results.nc",
    ]


@pytest.mark.slow
def test_the_report_goes_where_it_is_told(folder, capsys, results):
    write_results(results, folder / "results.nc")
    assert cli.main(["report", "results.nc", "--out", "deep/there"]) == 0
    assert capsys.readouterr().out == "the report is deep/there/report.html\n"
    assert (folder / "deep" / "there" / "report.html").stat().st_size > 1e6


@pytest.mark.slow
def test_mistakes_end_as_one_line(folder, capsys, results):
    (folder / "text.nc").write_text("no NetCDF")
    xr.Dataset({"a": 1}).to_netcdf(folder / "other.nc", engine="h5netcdf")
    results["failure"][:] = "not run"
    write_results(results, folder / "empty.nc")
    for arguments, message in (
        (["none.nc"], "there is no result none.nc"),
        (["text.nc"], "text.nc is not a NetCDF file: .*"),
        (["other.nc"], "other.nc is not the result of a sweep: it has no .*"),
        (["empty.nc"], "there is nothing to report: no run has ended well"),
        ([], ".*; see retrolux report --help"),
    ):
        assert cli.main(["report", *arguments]) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert re.fullmatch(f"retrolux: {message}\n", printed.err)
