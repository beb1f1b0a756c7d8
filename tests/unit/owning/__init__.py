"""The owners' loop over a log in memory, in virtual time, with commits that fail as they are told to."""
