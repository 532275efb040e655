"""Cleaning: every row kept, repaired or set aside, with a reason. Frames and SQL, no files."""

from helpers.cleaning.clean import clean
from helpers.cleaning.rules import describe_rules, write_rules_page

__all__ = ["clean", "describe_rules", "write_rules_page"]
