"""The HTTP API of back ends, under `/v1`: a table of routes, and what serves it."""
