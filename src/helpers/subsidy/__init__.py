"""Who pays for whom: the position of each service line, funding between lines, and other fair rules."""
