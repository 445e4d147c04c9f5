"""The business layer: executes batches of requests against the store and tells the nodes."""
