"""Figures: one message each, direct labels, zero lines, units, colours safe for colour blindness."""
