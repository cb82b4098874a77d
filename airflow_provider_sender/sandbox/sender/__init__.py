"""Sender (sender.net), REST API v2, as its documents and its clients describe it."""
