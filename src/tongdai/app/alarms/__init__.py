"""What the provider has to know at once: conditions that are looked at every few seconds, told in the log,
in the metrics and by a webhook."""
