"""``python -m airflow_provider_sender.sandbox``."""

from __future__ import annotations

from airflow_provider_sender.sandbox.command import main

if __name__ == "__main__":
    raise SystemExit(main())
