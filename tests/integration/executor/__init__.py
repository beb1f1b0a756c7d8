"""The runners with real processes and real servers."""
