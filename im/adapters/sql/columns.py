"""What the columns of all tables are made of."""

import sqlalchemy as sa

metadata = sa.MetaData()

Big = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def number(name: str, default: int = 0) -> sa.Column[int]:
    """A large number."""
    return sa.Column(name, Big, nullable=False, server_default=str(default))


def flag(name: str, default: int) -> sa.Column[int]:
    """A number that says yes or no."""
    return sa.Column(name, sa.SmallInteger, nullable=False, server_default=str(default))
