"""Costing: ledger, overheads, cost pools, patient events, service lines.

Frames in and out for small things; SQL on the engine that is handed in for large ones. No files are
read here and nothing is drawn.
"""
