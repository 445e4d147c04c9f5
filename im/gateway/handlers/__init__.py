"""The system's own message types, one class a type."""
