"""What every process of Horolog needs around its service: settings, logging, signals.

Guarantee: a process starts with checked settings or not at all, logs one JSON object a line without secrets, and ends
cleanly on SIGTERM and SIGINT.
"""
