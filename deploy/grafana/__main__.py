"""`python -m deploy.grafana` writes the dashboard."""

import sys

from deploy.grafana.dashboard import PATH, text

PATH.write_text(text(), encoding="utf-8")
sys.stdout.write(f"written: {PATH.name}\n")
