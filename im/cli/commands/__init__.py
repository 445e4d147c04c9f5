"""The commands: a module each, with `run(arguments, output)`; imported when it is asked for."""
