"""A hook that reaches phones whose apps are away."""
