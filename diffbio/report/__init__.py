"""Judging a fit and showing it: verdict, summary, page, result folder."""
