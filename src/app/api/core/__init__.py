"""What every request goes through: limits, problems, log lines and metrics. Knows nothing of the routes."""
