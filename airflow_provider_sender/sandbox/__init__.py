"""A stateful local stand-in for the marketing services' APIs, for trying DAGs and for tests.

``python -m airflow_provider_sender.sandbox`` runs it; :class:`.remote.Sandbox` and the pytest fixture
``sender_sandbox`` run it for a test. It shares no code with the provider's client, so that a misunderstanding
of a service is not shared by both ends of a test.
"""
