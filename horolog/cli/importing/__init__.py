"""Jobs of other schedulers as jobs of Horolog: a source's text in, a document for `horolog apply` out.

Each format is a `Reader` (`port`): `kubernetes`, `celery`, `xxl_job`, `bullmq`. Guarantee: every entry of a source is
either in the document or among what could not be mapped, with its place and the reason. *When* a job runs is
translated exactly or not at all; *how* a run is treated is mapped as near as there is something, and every difference
is in a note of its entry. No source is executed, imported or asked: what is read is data.
"""
