"""What Sendara sends: single mails, batches, broadcasts and what they are made of. The endpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from urllib3.filepost import encode_multipart_formdata

from airflow_provider_sender.client.client import Calls
from airflow_provider_sender.client.errors import ConfigurationError, NotFoundError
from airflow_provider_sender.client.request import Encoded
from airflow_provider_sender.client.sendara.broadcast_records import SendaraBroadcast, SendaraBroadcastAnswer
from airflow_provider_sender.client.sendara.calls import enveloped, once, read, repeatable
from airflow_provider_sender.client.sendara.dialect import Scope
from airflow_provider_sender.client.sendara.listing import PAGE_SIZE
from airflow_provider_sender.client.sendara.message_records import (
    SendaraBatchItem,
    SendaraMessage,
    SendaraMessages,
    SendaraRendered,
    SendaraTemplate,
    SendaraTestRecipient,
    SendaraUpload,
)
from airflow_provider_sender.client.sequences import objects_of
from airflow_provider_sender.client.values import Json

# What an image may be at the most, and of which kinds.
LARGEST_UPLOAD = 2 * 1024 * 1024
IMAGES = {"image/png", "image/jpeg", "image/gif", "image/webp"}


class SendaraSending(Calls):
    """Messages, broadcasts, templates, uploads and test recipients."""

    def send_message(self, body: Mapping[str, Json], *, idempotency_key: str) -> SendaraMessage:
        """Send one mail, once for every key: the same call made again returns what the first one did.

        :param body: ``channel`` (``email``), ``destination`` (``{"email": ...}``), ``payload`` (``subject``,
            ``body_html``, ``body_text``) or ``template_id`` and ``template_vars``, and as wanted ``message_type``,
            ``metadata`` (``{"from_email": ...}``), ``scheduled_at``, ``test_send`` ...
        :param idempotency_key: what the mail is about, the same whenever the same mail is meant.
        :raises InvalidRequestError: with the code ``idempotency_key_reused`` when another mail had this key.
        """
        body = {**body, "idempotency_key": idempotency_key}
        return self.call(repeatable("POST", "/v1/send", body=body), SendaraMessage)

    def send_batch(self, bodies: Sequence[Mapping[str, Json]]) -> list[SendaraBatchItem]:
        """Send many mails; return what became of each, in order. That some were refused raises nothing.

        :param bodies: as for ``send_message``, each with an ``idempotency_key`` of its own.
        """
        these = objects_of(bodies, "bodies")
        if not these or not all(body.get("idempotency_key") for body in these):
            raise ConfigurationError("bodies: each needs an idempotency_key of its own, or it may be sent twice.")
        request = repeatable("POST", "/v1/send/batch", body=these)
        return self.call(request, list[SendaraBatchItem])

    def list_messages(
        self,
        *,
        limit: int = PAGE_SIZE,
        cursor: str | None = None,
        channel: str | None = None,
        status: str | None = None,
        search: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> SendaraMessages:
        """Return one page of the messages, the newest first.

        :param cursor: ``next_cursor`` of the page before.
        """
        query = {
            "limit": limit,
            "cursor": cursor,
            "channel": channel,
            "status": status,
            "search": search,
            "from": None if since is None else since.isoformat(),
            "to": None if until is None else until.isoformat(),
        }
        return self.call(read("/v1/messages", **query), SendaraMessages)

    def find_message(self, idempotency_key: str) -> SendaraMessage | None:
        """Return the message that was sent with a key; None when there is none, or nothing says which one it is.

        The reference does not have this parameter. Where it is passed over, all messages come.
        """
        try:
            answer = self.call(read("/v1/messages", idempotency_key=idempotency_key), _FoundMessage)
        except NotFoundError:
            return None
        if answer.id:
            return answer
        listed = answer.messages or []
        with_key = [each for each in listed if each.idempotency_key == idempotency_key]
        if not with_key and len(listed) == 1 and listed[0].idempotency_key is None:
            with_key = listed if self.get_message(listed[0].id).idempotency_key in (None, idempotency_key) else []
        return next(iter(with_key), None)

    def get_message(self, message_id: str) -> SendaraMessage:
        """Return a message with what befell it.

        :raises NotFoundError: when there is none.
        """
        return self.call(read("/v1/messages/{}", message_id), SendaraMessage)

    def cancel_message(self, message_id: str) -> SendaraMessage:
        """Take a scheduled message back.

        :raises NotFoundError: when it was sent already.
        """
        return self.call(repeatable("POST", "/v1/messages/{}/cancel", message_id), SendaraMessage)

    # Broadcasts

    def send_bulk(self, body: Mapping[str, Json]) -> SendaraBroadcast:
        """Send one mail to many people at once. Two calls send it twice.

        :param body: ``from_email``, ``subject`` and ``body_html`` or ``body_text``, or ``template_id``; and
            ``audience_list_id`` or ``recipients`` (``[{"email": ..., "data": {...}}]``).
        """
        return self.call(once("POST", "/v1/send/bulk", body=dict(body)), SendaraBroadcastAnswer).itself

    def create_broadcast(self, body: Mapping[str, Json]) -> SendaraBroadcast:
        """Create a broadcast: a draft, unless ``send_now`` or ``scheduled_at`` says otherwise.

        :param body: as for ``send_bulk``, and ``name``.
        """
        return self.call(once("POST", "/v1/broadcasts", body=dict(body)), SendaraBroadcastAnswer).itself

    def list_broadcasts(self, *, limit: int = PAGE_SIZE, offset: int = 0) -> list[SendaraBroadcast]:
        """Return broadcasts, the newest first."""
        request = read("/v1/broadcasts", limit=limit, offset=offset)
        return enveloped(self, request, "broadcasts", list[SendaraBroadcast])

    def get_broadcast(self, broadcast_id: str) -> SendaraBroadcastAnswer:
        """Return a broadcast (``itself``) and its ``stats``.

        :raises NotFoundError: when there is none.
        """
        return self.call(read("/v1/broadcasts/{}", broadcast_id), SendaraBroadcastAnswer)

    def send_broadcast(self, broadcast_id: str) -> SendaraBroadcast:
        """Send a draft now.

        :raises OutcomeUnknownError: when the answer was lost. Read the broadcast; do not send again.
        """
        return self.call(once("POST", "/v1/broadcasts/{}/send", broadcast_id), SendaraBroadcastAnswer).itself

    def cancel_broadcast(self, broadcast_id: str) -> SendaraBroadcast:
        """Cancel a draft or a scheduled broadcast, for good."""
        return self.call(repeatable("POST", "/v1/broadcasts/{}/cancel", broadcast_id), SendaraBroadcastAnswer).itself

    def delete_broadcast(self, broadcast_id: str) -> None:
        """Delete a broadcast."""
        self.call(repeatable("DELETE", "/v1/broadcasts/{}", broadcast_id), Json)

    # Templates and images

    def list_templates(self) -> list[SendaraTemplate]:
        """Return the templates, the newest first."""
        return enveloped(self, read("/v1/templates"), "templates", list[SendaraTemplate])

    def get_template(self, template_id: str) -> SendaraTemplate:
        """Return one template."""
        return self.call(read("/v1/templates/{}", template_id), SendaraTemplate)

    def create_template(self, body: Mapping[str, Json]) -> SendaraTemplate:
        """Create a template: ``name``, ``channel`` (``email``), and as wanted its content. Two calls make two."""
        return self.call(once("POST", "/v1/templates", body=dict(body)), SendaraTemplate)

    def update_template(self, template_id: str, body: Mapping[str, Json]) -> SendaraTemplate:
        """Change a template."""
        return self.call(repeatable("PUT", "/v1/templates/{}", template_id, body=dict(body)), SendaraTemplate)

    def render_template(self, template_id: str, variables: Mapping[str, Json]) -> SendaraRendered:
        """Return a template with variables filled in; nothing is sent."""
        body = {"vars": dict(variables)}
        request = repeatable("POST", "/v1/templates/{}/render", template_id, body=body, scope=Scope.READ)
        return self.call(request, SendaraRendered)

    def delete_template(self, template_id: str) -> None:
        """Delete a template."""
        self.call(repeatable("DELETE", "/v1/templates/{}", template_id), Json)

    def upload_image(self, content: bytes, file_name: str, content_type: str) -> SendaraUpload:
        """Upload an image, and return the address it has from now on. Two calls make two.

        :param content: at most 2 MiB.
        :param content_type: ``image/png``, ``image/jpeg``, ``image/gif`` or ``image/webp``.
        """
        if content_type not in IMAGES:
            raise ConfigurationError(f"content_type: must be one of {', '.join(sorted(IMAGES))}.")
        if not content or len(content) > LARGEST_UPLOAD:
            raise ConfigurationError("content: must be an image of at most 2 MiB, and not empty.")
        encoded, kind = encode_multipart_formdata({"file": (file_name, content, content_type)})
        return self.call(once("POST", "/v1/uploads", body=Encoded(encoded, kind)), SendaraUpload)

    # Test recipients

    def list_test_recipients(self) -> list[SendaraTestRecipient]:
        """Return the addresses that test mails may go to."""
        return enveloped(self, read("/v1/test-recipients"), "recipients", list[SendaraTestRecipient])

    def create_test_recipient(self, email: str) -> SendaraTestRecipient:
        """Register an address of one's own; the service mails a link to it."""
        return self.call(once("POST", "/v1/test-recipients", body={"email": email}), SendaraTestRecipient)

    def resend_test_recipient(self, recipient_id: str) -> None:
        """Have the link mailed again."""
        self.call(once("POST", "/v1/test-recipients/{}/resend", recipient_id), Json)

    def delete_test_recipient(self, recipient_id: str) -> None:
        """Remove such an address."""
        self.call(repeatable("DELETE", "/v1/test-recipients/{}", recipient_id), Json)


class _FoundMessage(SendaraMessage):
    """The message a key was used for: by itself, or the only one of a page."""

    messages: list[SendaraMessage] | None = None
