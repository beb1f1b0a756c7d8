"""Backups: all that a log keeps, in one encrypted file, and back again into an empty log of any kind.

Guarantee: a backup is the log as of one moment, or there is none. An archive that was edited, cut off, put in another
order or made with another key is refused as a whole. A restored log holds the same records in the same order; whatever
in them names a position names the same place again, so that its owners go on where they were: nothing fires twice and
nothing is lost silently. While a restore is under way, and after one that was interrupted, nobody can own a partition.

Read models are not in it, for they follow from the log; keys are not in it, for a tenant's key that was erased must
not come back with the log's records.

`keys` reads the key, `sealing` encrypts a stream in chunks, `archive` puts named parts and their entries into it,
`records` is a record as an entry. `backing_up` and `restoring` go from a log to an archive and back; `survey` reads an
archive to its end, and `translation` gives its positions their new values.
"""
