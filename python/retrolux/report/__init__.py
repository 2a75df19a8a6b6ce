"""The report of a study: one page for people, made from the result alone."""

from __future__ import annotations

from retrolux.report.page import write_report

__all__ = ["write_report"]
