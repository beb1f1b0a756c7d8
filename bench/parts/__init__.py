"""Single parts, measured alone: what one attempt costs the worker, and what a record costs each log.

These figures tell where the time of the end-to-end ones goes, and are steadier. Each is run by its name, such as
`python -m bench.parts.executor`.
"""
