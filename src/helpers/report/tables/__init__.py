"""Frames as a page shows them: chosen rows and columns, names in plain words."""
