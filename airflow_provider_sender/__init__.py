"""The Apache Airflow provider for e-mail marketing accounts on Sender, SendPulse and Sendara."""

from __future__ import annotations

__version__ = "0.1.0"
