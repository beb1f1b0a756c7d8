"""Other schedulers beside this one, in one run on one machine.

`peer_horolog.py` puts this project behind the contract of a peers' laboratory (see README.md beside it);
`python -m bench.peers FOLDER` has that laboratory measure it together with others, and prints one table.
"""
