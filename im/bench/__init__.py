"""What `imctl bench` runs."""
