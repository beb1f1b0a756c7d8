"""Facts, one module for each topic family: jobs, fires, executions, results, workers, owners.

A fact is written once, by the owner of the tenant's partition, and never changed. Facts are named in the past
tense; asking for something is a command (`schemas.commands`).
"""
