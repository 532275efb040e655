"""Case mix, consultants, outcomes, length of stay and saving."""
