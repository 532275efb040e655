"""Trusts beside each other: a row a trust, a row a line, and how lines differ by years of management."""
