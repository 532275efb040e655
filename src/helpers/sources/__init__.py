"""Files on disk: a trust's extracts, reference lookups, demonstration trusts, and tables between steps."""
