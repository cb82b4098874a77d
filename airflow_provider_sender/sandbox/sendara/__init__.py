"""Sendara's REST API (``/v1``), as its reference and the notes on its SDKs describe it."""
