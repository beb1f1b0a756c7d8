"""The log: an ordered, partitioned, replayable record of all that was asked, decided and done.

Guarantee, the same for every adapter and held by `tests/contract/log`: the records of a place (topic and
partition) have rising offsets and one order for everybody; a commit of a fenced writer is atomic over all its
places and invisible until it is whole; once a newer writer of the same role and partition has been opened, no
commit of an older one takes effect; what was committed or appended survives the death of the process.

`port` names the interface, `embedded` and `kafka` implement it, `owner` is the loop that ticker and dispatcher share.
"""
