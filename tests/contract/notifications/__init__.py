"""What every place that keeps notification rules and deliveries promises."""
