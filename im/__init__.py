"""An instant-messaging system on Twisted: connections, push, chat, and what an app adds to them."""

__version__ = "0.1.0"
