"""Tests of traces: what they are called, what the parts tell of them, and where they are sent by which settings.

No socket is used: spans are kept in a list.
The exporter is tested in `tests/integration/tracing`.
"""
