"""The public test kit: fake worlds, lossy links, the history checker, contract suites."""
