"""What operators watch: metrics for Prometheus, traces for OpenTelemetry, log lines as JSON."""
