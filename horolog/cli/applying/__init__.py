"""Jobs as files: read strictly, compared with what the server has, and written so that they read back the same.

`job_text` (strict YAML and JSON) → `job_files` (which jobs the files want) → `plan` (what that takes, by pure
functions) → `carrying_out` (one call for each step). `exported` and `job_writing` go the other way.

Guarantee: a file is understood as a whole or refused with the line, before anything is asked for. Nothing in here but
`carrying_out` speaks to the API, and nothing shows or hashes a secret that a file holds.
"""
