"""The tests, each kind in its folder.

unit mirrors the tree and touches nothing outside the process; contract runs one suite per port against every
adapter; integration, faults and e2e use real servers; golden keeps every event version ever written;
simulation runs the whole system under a virtual clock; tidy holds the code to its own rules.
"""
