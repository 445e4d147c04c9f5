"""What Alembic runs: every missing revision, on the connection that `im.adapters.sql.schema` hands in."""

from alembic import context

from im.adapters.sql.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
