"""Files that NHS England publishes, read as they were downloaded; nothing is fetched."""
