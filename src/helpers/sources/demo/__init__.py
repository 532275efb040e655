"""Demonstration trusts: invented, seeded, in the input format, so that nothing tells them from real ones."""

from helpers.sources.demo.make import write_demo

__all__ = ["write_demo"]
