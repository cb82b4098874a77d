"""A Sendara account itself: its usage and billing, domains, keys and webhooks. The endpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from airflow_provider_sender.client.client import Calls
from airflow_provider_sender.client.sendara.account_records import (
    SendaraDomain,
    SendaraDomainCheck,
    SendaraKey,
    SendaraUsage,
    SendaraVerification,
    SendaraWebhook,
)
from airflow_provider_sender.client.sendara.calls import enveloped, once, read, repeatable
from airflow_provider_sender.client.sendara.dialect import Scope, ScopedRequest
from airflow_provider_sender.client.sequences import texts_of
from airflow_provider_sender.client.values import Json

_VERIFICATION = ScopedRequest("GET", "/v1/account/verification")


class SendaraAccount(Calls):
    """The account."""

    def get_verification(self) -> SendaraVerification:
        """Return whether the account may send to anybody yet."""
        return self.call(_VERIFICATION, SendaraVerification)

    def get_usage(self, period: str | None = None) -> SendaraUsage:
        """Return what was sent in a period and what it cost.

        :param period: ``YYYY-MM``; the current one by default.
        """
        return self.call(read("/v1/usage", period=period), SendaraUsage)

    def get_billing(self) -> Json:
        """Return the plan and the subscription's status, in whatever shape the service uses."""
        return self.call(read("/v1/billing"), Json)

    def create_checkout(self, body: Mapping[str, Json] | None = None) -> Json:
        """Return the address where a plan is bought (``{"url": ...}``), or what the account has by now."""
        return self.call(once("POST", "/v1/billing/checkout", body=dict(body or {}), scope=Scope.ADMIN), Json)

    def create_portal(self) -> Json:
        """Return the address where the subscription is looked after (``{"url": ...}``)."""
        return self.call(repeatable("POST", "/v1/billing/portal", scope=Scope.ADMIN), Json)

    def set_spend_caps(self, body: Mapping[str, Json]) -> Json:
        """Set what may be spent: ``soft_limit_micros``, ``hard_limit_micros``, for the account or one ``key_id``."""
        return self.call(repeatable("PUT", "/v1/spend-caps", body=dict(body), scope=None), Json)

    # Domains

    def list_domains(self) -> list[SendaraDomain]:
        """Return the sending domains."""
        request = ScopedRequest("GET", "/v1/domains", scope=Scope.ADMIN)
        return enveloped(self, request, "domains", list[SendaraDomain])

    def get_domain(self, domain: str) -> SendaraDomain:
        """Return one sending domain."""
        return self.call(ScopedRequest("GET", "/v1/domains/{}", (domain,), scope=Scope.ADMIN), SendaraDomain)

    def create_domain(self, domain: str) -> SendaraDomain:
        """Add a sending domain, and return the DNS records it needs."""
        return self.call(once("POST", "/v1/domains", body={"domain": domain}, scope=Scope.ADMIN), SendaraDomain)

    def verify_domain(self, domain: str) -> SendaraDomainCheck:
        """Have a domain's DNS records looked at."""
        return self.call(repeatable("POST", "/v1/domains/{}/verify", domain, scope=Scope.ADMIN), SendaraDomainCheck)

    # Keys

    def list_keys(self) -> list[SendaraKey]:
        """Return the API keys, without their secrets."""
        return enveloped(self, ScopedRequest("GET", "/v1/keys", scope=Scope.ADMIN), "keys", list[SendaraKey])

    def create_key(self, scope: str, *, test_mode: bool = False) -> SendaraKey:
        """Create an API key; its secret is in this answer only.

        :param scope: ``send``, ``read`` or ``admin``.
        """
        body = {"scope": scope, "test_mode": test_mode}
        return self.call(once("POST", "/v1/keys", body=body, scope=Scope.ADMIN), SendaraKey)

    def rotate_key(self, key_id: str) -> SendaraKey:
        """Give a key another secret; the old one ends at once."""
        return self.call(once("POST", "/v1/keys/{}/rotate", key_id, scope=Scope.ADMIN), SendaraKey)

    def delete_key(self, key_id: str) -> None:
        """Revoke a key."""
        self.call(repeatable("DELETE", "/v1/keys/{}", key_id, scope=Scope.ADMIN), Json)

    # Webhooks

    def list_webhooks(self) -> list[SendaraWebhook]:
        """Return the webhooks."""
        return enveloped(self, read("/v1/webhooks"), "webhooks", list[SendaraWebhook])

    def get_webhook(self, webhook_id: str) -> SendaraWebhook:
        """Return one webhook."""
        return self.call(read("/v1/webhooks/{}", webhook_id), SendaraWebhook)

    def create_webhook(self, endpoint_url: str, event_types: Sequence[str] = ()) -> SendaraWebhook:
        """Create a webhook, and return it with its signing secret. Two calls make two.

        :param event_types: ``delivered``, ``bounced``, ``complained``, ``opened`` ...; none means all.
        """
        wanted = texts_of(event_types, "event_types")
        body = {"endpoint_url": endpoint_url} | ({"event_types": wanted} if wanted else {})
        return self.call(once("POST", "/v1/webhooks", body=body, scope=Scope.ADMIN), SendaraWebhook)

    def update_webhook(self, webhook_id: str, body: Mapping[str, Json]) -> SendaraWebhook:
        """Change a webhook: ``endpoint_url``, ``event_types``, ``is_active``."""
        request = repeatable("PUT", "/v1/webhooks/{}", webhook_id, body=dict(body), scope=Scope.ADMIN)
        return self.call(request, SendaraWebhook)

    def rotate_webhook_secret(self, webhook_id: str) -> SendaraWebhook:
        """Give a webhook another signing secret; the old one ends at once."""
        return self.call(once("POST", "/v1/webhooks/{}/rotate-secret", webhook_id, scope=Scope.ADMIN), SendaraWebhook)

    def list_webhook_deliveries(self, webhook_id: str, *, limit: int | None = None) -> list[dict[str, Json]]:
        """Return the latest deliveries of a webhook, as they come."""
        request = read("/v1/webhooks/{}/deliveries", webhook_id, limit=limit)
        return enveloped(self, request, "deliveries", list[dict[str, Json]])

    def delete_webhook(self, webhook_id: str) -> None:
        """Delete a webhook."""
        self.call(repeatable("DELETE", "/v1/webhooks/{}", webhook_id, scope=Scope.ADMIN), Json)
