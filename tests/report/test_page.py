"""The page: it has everything, it needs nothing, and strangers' text stays text."""

from __future__ import annotations

import re

import pytest

from retrolux.report import write_report
from retrolux.study import read_results

FIGURES = (
    "decision_maps",
    "energy_maps",
    "energy_parts",
    "gradient_laws",
    "learning_curves",
    "mesh",
    "test_error",
    "trade_off",
)


@pytest.fixture(scope="module")
def page(report):
    return (report / "report.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_folder_has_the_page_and_every_figure_twice(report):
    assert sorted(file.name for file in report.iterdir()) == [".lock", "figures", "report.html", "results.nc"]
    names = sorted(file.name for file in (report / "figures").iterdir())
    assert names == sorted(f"{name}.{kind}" for name in FIGURES for kind in ("png", "svg"))


@pytest.mark.slow
def test_the_page_is_small_and_whole(page):
    assert len(page.encode()) <= 5e6
    for name in FIGURES:
        assert f'<figure id="{name}"' in page
    assert page.count('<div class="interactive"') == 2
    text = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    addresses = re.findall(r'(?:src|href)="([^"]{0,12})', text)
    assert addresses
    assert all(address.startswith("data:") for address in addresses)


def test_the_page_says_where_it_comes_from(page, results):
    assert "made up" in page
    assert "Nothing was trained." in page
    assert "18 training runs on mnist" in " ".join(page.split())
    for package in ("retrolux", "torch", "python"):
        assert f"<td>{package}</td>" in page
    assert "thermal_current" in page  # the device, in full
    assert results.attrs["created"][:10] in page


def test_errors_of_runs_are_shown_as_text(page):
    assert "2 × diverged &lt;b&gt;here&lt;/b&gt;" in page
    assert "<b>here" not in page


@pytest.mark.slow
def test_the_page_is_made_again_from_the_file_alone(report, page, tmp_path):
    again = write_report(read_results(report / "results.nc"), tmp_path).read_text(encoding="utf-8")

    def words(text):
        return re.sub(r"<script.*?</script>|<img[^>]*>|<div[^>]*>", "", text, flags=re.DOTALL)

    assert words(again) == words(page)


@pytest.mark.slow
def test_a_sweep_alone_has_a_report(sweep_results, tmp_path):
    page = write_report(sweep_results, tmp_path).read_text(encoding="utf-8")
    for name in ("test_error", "energy_maps", "trade_off"):
        assert f'<figure id="{name}"' in page
    for name in ("gradient_laws", "mesh", "decision_maps"):
        assert f'<figure id="{name}"' not in page


def test_a_result_without_a_run_is_refused(sweep_results, tmp_path):
    nothing = sweep_results.copy(deep=True)
    nothing["failure"][:] = "not run"
    with pytest.raises(ValueError, match="there is nothing to report: no run has ended well"):
        write_report(nothing, tmp_path / "out")
    assert not (tmp_path / "out").exists()
