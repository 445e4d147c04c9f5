"""What the store does inside one transaction, in the SQL that SQLite and PostgreSQL share."""
