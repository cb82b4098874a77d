"""What Airflow reads about this package at start-up.

Every Airflow process loads this module, whether or not it ever talks to a marketing service, and some do so while
Airflow itself is still being configured: so it is a plain dictionary and imports nothing.
"""

from __future__ import annotations

# Type checkers take this name for true. ``typing`` would be the first of many imports.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from airflow_provider_sender.hooks.connection_form import ConnectionField, ConnectionType

_REQUEST_FIELDS: dict[str, ConnectionField] = {
    "timeout": {
        "label": "Time-out (seconds)",
        "description": "How long one request may take before it counts as failed.",
        "schema": {"type": ["number", "null"], "exclusiveMinimum": 0, "default": 30},
    },
    "max_retries": {
        "label": "Retries",
        "description": (
            "How often one request is tried again after a refusal, a time-out or a failure of the service. "
            "A request that might mail people twice is never repeated blindly, whatever stands here."
        ),
        "schema": {"type": ["integer", "null"], "minimum": 0, "default": 8},
    },
    "requests_per_minute": {
        "label": "Requests per minute",
        "description": (
            "A cap below the account's own limit, for an account that other programs use too. "
            "Empty: all that the account allows."
        ),
        "schema": {"type": ["integer", "null"], "minimum": 1},
    },
    "reserve": {
        "label": "Requests kept free",
        "description": (
            "Requests of each rate limit window that are left to others: tasks wait for the next window "
            "rather than use them. Empty: none."
        ),
        "schema": {"type": ["integer", "null"], "minimum": 0},
    },
    "max_wait": {
        "label": "Longest wait (seconds)",
        "description": (
            "The longest single wait for the rate limit that may occupy a worker. When the service asks for more, "
            "the task fails and Airflow's own retries bring it back later."
        ),
        "schema": {"type": ["number", "null"], "minimum": 0, "default": 120},
    },
}

# Only pages that have numbers can be read side by side; offsets follow one another.
_NUMBERED_PAGES_FIELDS: dict[str, ConnectionField] = {
    "connections": {
        "label": "Requests at once",
        "description": (
            "How many requests may be under way at the same time while subscribers are read, where the rate limit "
            "leaves room for that."
        ),
        "schema": {"type": ["integer", "null"], "minimum": 1, "default": 8},
    },
}

_CAMPAIGN_FIELDS: dict[str, ConnectionField] = {
    "settle_time": {
        "label": "Settling time (seconds)",
        "description": (
            "How long a campaign must be seen unchanged before it is sent, or, after a request whose answer was lost, "
            "before it is called unsent."
        ),
        "schema": {"type": ["number", "null"], "minimum": 0, "default": 30},
    },
    "time_zone": {
        "label": "Time zone of the account",
        "description": (
            "The zone set in the account, by its IANA name, such as Europe/Vilnius. The service reads the time "
            "of a scheduled campaign in it, so a wrong one sends hours early or late. Empty: nothing is scheduled."
        ),
        "schema": {"type": ["string", "null"]},
    },
}

_IMPORT_FIELDS: dict[str, ConnectionField] = {
    "import_form": {
        "label": "Form of imports",
        "description": (
            "How contacts are imported: contacts (as the reference has it), rows (as the official PHP client does it) "
            "or s3_key (no import, each contact by a request of its own). Empty: contacts."
        ),
        "schema": {"type": ["string", "null"], "default": "contacts"},
    },
}

CONNECTION_TYPES: list[ConnectionType] = [
    {
        "connection-type": "sender",
        "hook-class-name": "airflow_provider_sender.hooks.sender.SenderHook",
        "hook-name": "Sender",
        "ui-field-behaviour": {
            "hidden-fields": ["schema", "port", "login"],
            "relabeling": {"host": "API address", "password": "API access token"},
            "placeholders": {
                "host": "https://api.sender.net/v2",
                "password": "Account settings -> API access tokens -> Create API token",
                "extra": '{"requests_per_minute": 200, "time_zone": "Europe/Vilnius"}',
            },
        },
        "conn-fields": {**_REQUEST_FIELDS, **_NUMBERED_PAGES_FIELDS, **_CAMPAIGN_FIELDS},
    },
    {
        "connection-type": "sendpulse",
        "hook-class-name": "airflow_provider_sender.hooks.sendpulse.SendPulseHook",
        "hook-name": "SendPulse",
        "ui-field-behaviour": {
            "hidden-fields": ["schema", "port"],
            "relabeling": {"host": "API address", "login": "Client id", "password": "Client secret or API key"},
            "placeholders": {
                "host": "https://api.sendpulse.com",
                "login": "Settings -> API -> ID; empty for an API key",
                "password": "Settings -> API -> Secret, or a key",
                "extra": '{"requests_per_minute": 300}',
            },
        },
        "conn-fields": {
            **{name: field for name, field in _REQUEST_FIELDS.items() if name != "reserve"},
            "settle_time": _CAMPAIGN_FIELDS["settle_time"],
            "time_zone": {
                "label": "Time zone of the account",
                "description": (
                    "The zone set in the account, by its IANA name, such as Europe/Vilnius. The service reads the time "
                    "of a scheduled campaign in it. Empty: the one the account itself says."
                ),
                "schema": {"type": ["string", "null"]},
            },
        },
    },
    {
        "connection-type": "sendara",
        "hook-class-name": "airflow_provider_sender.hooks.sendara.SendaraHook",
        "hook-name": "Sendara",
        "ui-field-behaviour": {
            "hidden-fields": ["schema", "port", "login"],
            "relabeling": {"host": "API address", "password": "API key"},
            "placeholders": {
                "host": "https://api.sendara.dev",
                "password": "sk_live_... or sk_test_..., of the scope the tasks need",
                "extra": '{"requests_per_minute": 300}',
            },
        },
        "conn-fields": {**_REQUEST_FIELDS, "settle_time": _CAMPAIGN_FIELDS["settle_time"], **_IMPORT_FIELDS},
    },
]


def get_provider_info() -> dict[str, object]:
    """Return the package's modules and connection types, as ``airflow/provider_info.schema.json`` wants them."""
    return {
        "package-name": "airflow-provider-sender",
        "name": "Sender",
        "description": (
            "E-mail marketing accounts on `Sender <https://www.sender.net/>`__, `SendPulse <https://sendpulse.com/>`__ "
            "and `Sendara <https://sendara.dev/>`__: subscribers and campaigns."
        ),
        "integrations": [
            {
                "integration-name": "Sender",
                "external-doc-url": "https://api.sender.net/",
                "tags": ["service"],
            },
            {
                "integration-name": "SendPulse",
                "external-doc-url": "https://sendpulse.com/integrations/api",
                "tags": ["service"],
            },
            {
                "integration-name": "Sendara",
                "external-doc-url": "https://sendara.dev/docs/api-reference/",
                "tags": ["service"],
            },
        ],
        "hooks": [
            {
                "integration-name": "Sender",
                "python-modules": ["airflow_provider_sender.hooks.sender"],
            },
            {
                "integration-name": "SendPulse",
                "python-modules": ["airflow_provider_sender.hooks.sendpulse"],
            },
            {
                "integration-name": "Sendara",
                "python-modules": ["airflow_provider_sender.hooks.sendara"],
            },
        ],
        "operators": [
            {
                "integration-name": "Sender",
                "python-modules": [
                    "airflow_provider_sender.operators.campaigns",
                    "airflow_provider_sender.operators.erasure",
                    "airflow_provider_sender.operators.membership",
                    "airflow_provider_sender.operators.messages",
                    "airflow_provider_sender.operators.reports",
                    "airflow_provider_sender.operators.subscribers",
                    "airflow_provider_sender.operators.workflows",
                ],
            },
        ],
        "sensors": [
            {
                "integration-name": "Sender",
                "python-modules": ["airflow_provider_sender.sensors.campaigns"],
            },
        ],
        "triggers": [
            {
                "integration-name": "Sender",
                "python-modules": ["airflow_provider_sender.triggers.campaigns"],
            },
        ],
        "transfers": [
            {
                "source-integration-name": "Sender",
                "target-integration-name": "Common SQL",
                "python-module": "airflow_provider_sender.transfers.sender_to_sql",
            },
            {
                "source-integration-name": "Common SQL",
                "target-integration-name": "Sender",
                "python-module": "airflow_provider_sender.transfers.sql_to_sender",
            },
        ],
        "connection-types": CONNECTION_TYPES,
        "config": {
            "sender": {
                "description": "Settings of airflow-provider-sender.",
                "options": {
                    "file_permissions": {
                        "description": (
                            "Who may read the files that tasks make on a local disk: exports, reports, rejects and "
                            "ledgers, as for chmod. They hold people's data, so by default only their owner may. A "
                            "file that takes the place of another keeps the permissions of that one."
                        ),
                        "version_added": "0.1.0",
                        "type": "string",
                        "example": "640",
                        "default": "600",
                    },
                },
            },
        },
        "asset-uris": [
            {
                "schemes": ["sender", "sendpulse", "sendara"],
                "handler": "airflow_provider_sender.assets.sanitize_uri",
                "factory": "airflow_provider_sender.assets.create_asset",
                "to_openlineage_converter": "airflow_provider_sender.assets.convert_asset_to_openlineage",
            },
        ],
        "notifications": ["airflow_provider_sender.notifications.sender.SenderNotifier"],
        "extra-links": ["airflow_provider_sender.links.campaigns.SenderCampaignLink"],
    }
