"""Spans on their way to a collector, over real sockets on this machine.

The collector is a server of the tests that keeps what it gets.
It answers as it is told to, or not at all.
"""
