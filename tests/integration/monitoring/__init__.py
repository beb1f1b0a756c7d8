"""The rules and the dashboard, on a real Prometheus that scrapes a running system."""
