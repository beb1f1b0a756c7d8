"""Expressions that several panels ask for, each for the tenants chosen above unless it says otherwise."""

from deploy.grafana.panel import Query


def heat(name: str) -> tuple[Query, ...]:
    """How a figure is spread over its buckets, as time goes on."""
    return (Query(f'sum by (le) (increase({name}_bucket{{tenant_id=~"$tenant"}}[$__rate_interval]))', "{{le}}"),)


def quantile(share: str, name: str, matcher: str = '{tenant_id=~"$tenant"}') -> str:
    """What so large a share of a figure did not exceed."""
    return f"histogram_quantile({share}, sum by (le) (rate({name}_bucket{matcher}[$__rate_interval])))"
