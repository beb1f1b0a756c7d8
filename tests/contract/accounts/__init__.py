"""What every place that keeps accounts promises."""
