"""The log's contract: one suite for every adapter, and what only one of them promises.

The tests named after a promise run against the log in memory, in a file, and on a real Kafka broker. Those of the file
(durability, retention) and of Kafka (broken connections, strangers' records) are in files of their own.
"""
