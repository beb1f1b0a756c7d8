"""The interpreter that has the extra `analytics`: it cannot be installed beside the tools of development.

Faust wants older versions of `click` and `croniter` than the product and its tests are pinned to, so `make install`
makes it an environment of its own.
"""

from tests.tidy.tree import ROOT

PYTHON = ROOT / ".venv-analytics" / "bin" / "python"
