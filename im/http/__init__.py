"""Everything that speaks HTTP: health, metrics, and what else shares a port with WebSocket."""
