"""What ten thousand tenants and a billion executions a day would take: `python -m bench.scaling`.

`costs` has what was measured (`docs/benchmarks.md`) and what is assumed, `arithmetic` multiplies it line by line, and
`simulation` draws tenants of uneven size again and again and lays them on the real partitions. `docs/scaling.md` quotes
what is printed, and a test holds it to that. Nothing is measured here, and nothing is random: seeds are fixed.
"""
