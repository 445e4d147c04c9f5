"""What every adapter of a port does: one suite a port, run against each adapter."""
