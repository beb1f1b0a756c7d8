"""The Grafana dashboard of Horolog, and what provisions it.

`panels` is the list of what is shown, `dashboard` turns it into Grafana's JSON, and `python -m deploy.grafana` writes
`dashboards/horolog.json`. Edit the list, never the JSON; `tests/tidy/test_dashboard.py` holds both to the table of
metrics.
"""
