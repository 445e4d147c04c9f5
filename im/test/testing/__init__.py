"""The test kit is tested, too: links, faulty ports, the history checker."""
