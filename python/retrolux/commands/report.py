"""`retrolux report`: the report of a result that is there already."""

from __future__ import annotations

from dataclasses import dataclass

import tyro

from retrolux.commands.paths import File, OptionalFolder

__all__ = ["DESCRIPTION", "Report"]

DESCRIPTION = """\
Make the report of a study or of a sweep from its results.nc alone.

The folder receives report.html, one page that needs no network, and figures as PNG and SVG. What a sweep does not hold,
such as the laws of gradient errors, is left out.

Examples:
  retrolux report runs/study/results.nc
  retrolux report runs/sweep/results.nc --out sweep-report"""


@dataclass(frozen=True)
class Report:
    """Make the report of a study or of a sweep from its results.nc alone.

    Attributes
    ----------
    results
        What retrolux study or retrolux sweep has written.
    out
        Folder of the report; by default that of the result.
    """

    results: tyro.conf.Positional[File]
    out: OptionalFolder = None

    def run(self) -> int:
        """Read, write, and say where."""
        from retrolux.report import write_report  # noqa: PLC0415 - slow, and not needed for --help
        from retrolux.study.results import read_results  # noqa: PLC0415 - as above

        page = write_report(read_results(self.results), self.results.parent if self.out is None else self.out)
        print(f"the report is {page}")
        return 0
