"""Control groups: what bounds all processes of one attempt together (cgroups(7)).

- `group`      one group: entered by its program, killed, asked what it ran out of; the spawner's side
- `groups`     makes groups with their bounds, and removes them; the executor's side
- `hierarchies` where groups may be made: of version 2 and, where controllers are there, of version 1

Guarantee: a program that has a group is in it before anything of the job runs; a group is removed once nothing is in
it, and what is left of an executor that died is removed by the next one in the same place.

Drawn, for version 2: `<own group>/horolog-<maker>/` has `self`, where the executor moves when controllers have to be
turned on (a group with controllers for others has no processes of its own), and one group for each program beside it.
"""
