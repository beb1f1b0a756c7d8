"""`python -m bench.scaling` prints the arithmetic, and then the simulation."""

import sys

from bench.scaling import arithmetic, simulation

sys.stdout.write("\n".join([*arithmetic.report(), "", *simulation.report()]) + "\n")
