"""The store on SQL: tables and migrations for every database, and SQLite's writer and readers."""
