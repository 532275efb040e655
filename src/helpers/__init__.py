"""Service line reporting for NHS trusts: what each clinical service costs, and who pays for whom."""

__version__ = "0.1.0"
