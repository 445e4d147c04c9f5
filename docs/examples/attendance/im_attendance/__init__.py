"""An example of a hook."""
