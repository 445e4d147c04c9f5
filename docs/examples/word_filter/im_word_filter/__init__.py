"""An example of a hook: see docs/hooks.md."""
