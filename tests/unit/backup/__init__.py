"""Archives, and going from a log in memory to an archive and into another log."""
