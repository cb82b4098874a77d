"""Sendara (sendara.dev): its calls, how it says things, and the port on top of them."""
