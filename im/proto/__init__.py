"""Generated from `protocol/` by `scripts/proto`; nothing else lives here."""
