"""Sendara's contacts, their lists and imports, and whom nothing is sent to: the endpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from airflow_provider_sender.client.client import Calls
from airflow_provider_sender.client.sendara.calls import enveloped, once, read, repeatable
from airflow_provider_sender.client.sendara.contact_records import (
    SendaraContact,
    SendaraImport,
    SendaraList,
    SendaraMember,
    SendaraSuppression,
)
from airflow_provider_sender.client.sendara.dialect import Scope
from airflow_provider_sender.client.sendara.listing import PAGE_SIZE
from airflow_provider_sender.client.sequences import objects_of, texts_of
from airflow_provider_sender.client.values import Json


class SendaraContacts(Calls):
    """Contacts, lists and suppressions."""

    def list_contacts(self, *, limit: int = PAGE_SIZE, offset: int = 0) -> list[SendaraContact]:
        """Return contacts, the newest first; beyond the last there are none."""
        return enveloped(self, read("/v1/contacts", limit=limit, offset=offset), "contacts", list[SendaraContact])

    def get_contact(self, contact_id: str) -> SendaraContact:
        """Return one contact.

        :raises NotFoundError: when there is none.
        """
        return self.call(read("/v1/contacts/{}", contact_id), SendaraContact)

    def create_contact(self, body: Mapping[str, Json]) -> SendaraContact:
        """Create a contact; made twice, the second call is refused.

        :param body: ``email`` or ``phone_number``, and as wanted ``first_name``, ``last_name``, ``attributes``,
            ``tags``, ``email_consent`` (``subscribed``, ``unsubscribed``, ``unknown``).
        :raises InvalidRequestError: with the code ``duplicate_contact`` when the address is there already.
        """
        return self.call(repeatable("POST", "/v1/contacts", body=dict(body)), SendaraContact)

    def update_contact(self, contact_id: str, body: Mapping[str, Json]) -> SendaraContact:
        """Change a contact. What is left out stays; ``attributes`` and ``tags`` take the place of all there were."""
        return self.call(repeatable("PUT", "/v1/contacts/{}", contact_id, body=dict(body)), SendaraContact)

    def delete_contact(self, contact_id: str) -> None:
        """Delete a contact, and take it out of all lists."""
        self.call(repeatable("DELETE", "/v1/contacts/{}", contact_id), Json)

    def get_contact_usage(self) -> Json:
        """Return how many contacts the account has and may have, in whatever shape the service uses."""
        return self.call(read("/v1/contacts/usage"), Json)

    def list_contact_lists(self, contact_id: str) -> Json:
        """Return the lists a contact is in, in whatever shape the service uses."""
        return self.call(read("/v1/contacts/{}/lists", contact_id), Json)

    def list_contact_activity(self, contact_id: str, *, limit: int | None = None) -> Json:
        """Return what happened to a contact, in whatever shape the service uses."""
        return self.call(read("/v1/contacts/{}/activity", contact_id, limit=limit), Json)

    def import_contacts(self, contacts: Sequence[Mapping[str, Json]]) -> SendaraImport:
        """Create contacts, or update those whose address is there; the form of the reference."""
        body = {"contacts": objects_of(contacts, "contacts")}
        return self.call(repeatable("POST", "/v1/contacts/import", body=body), SendaraImport)

    def import_rows(
        self, rows: Sequence[Mapping[str, Json]], *, list_id: str | None = None, dry_run: bool | None = None
    ) -> SendaraImport:
        """Import contacts in the form the official PHP client uses; the reference does not have it."""
        wanted = {"rows": objects_of(rows, "rows"), "list_id": list_id, "dry_run": dry_run}
        body = {name: value for name, value in wanted.items() if value is not None}
        return self.call(repeatable("POST", "/v1/contacts/import/inline", body=body), SendaraImport)

    def import_file(self, s3_key: str, file_format: str) -> Json:
        """Import a file in the form the official clients use; how a file gets there is documented nowhere."""
        body = {"s3_key": s3_key, "format": file_format}
        return self.call(repeatable("POST", "/v1/contacts/import", body=body), Json)

    def change_contacts(self, contact_ids: Sequence[str], action: str, options: Mapping[str, Json]) -> Json:
        """Do the same with many contacts: a call of the official PHP client, which does not say which actions exist.

        :param options: as the action wants: ``tag``, ``list_id``, ``channel``, ``consent``.
        """
        body = {**options, "ids": texts_of(contact_ids, "contact_ids"), "action": action}
        return self.call(once("POST", "/v1/contacts/bulk", body=body), Json)

    def preview_segment(self, segment_rules: Mapping[str, Json]) -> Json:
        """Return how many contacts rules match; a call of the official PHP client."""
        request = repeatable(
            "POST", "/v1/contacts/segments/preview", body={"segment_rules": dict(segment_rules)}, scope=Scope.READ
        )
        return self.call(request, Json)

    # Lists

    def list_lists(self, *, limit: int = PAGE_SIZE, offset: int = 0) -> list[SendaraList]:
        """Return lists, the newest first."""
        return enveloped(self, read("/v1/contacts/lists", limit=limit, offset=offset), "lists", list[SendaraList])

    def get_list(self, list_id: str) -> SendaraList:
        """Return one list."""
        return self.call(read("/v1/contacts/lists/{}", list_id), SendaraList)

    def create_list(
        self, name: str, *, list_type: str = "static", segment_rules: Mapping[str, Json] | None = None
    ) -> SendaraList:
        """Create a list. Two calls make two.

        :param list_type: ``static``, or ``dynamic`` with ``segment_rules`` (``tags``, ``attributes``).
        """
        body: dict[str, Json] = {"name": name, "list_type": list_type}
        if segment_rules is not None:
            body["segment_rules"] = dict(segment_rules)
        return self.call(once("POST", "/v1/contacts/lists", body=body), SendaraList)

    def update_list(self, list_id: str, body: Mapping[str, Json]) -> SendaraList:
        """Change a list's ``name`` or ``segment_rules``."""
        return self.call(repeatable("PUT", "/v1/contacts/lists/{}", list_id, body=dict(body)), SendaraList)

    def delete_list(self, list_id: str) -> None:
        """Delete a list; its contacts stay."""
        self.call(repeatable("DELETE", "/v1/contacts/lists/{}", list_id), Json)

    def list_members(self, list_id: str) -> list[SendaraContact]:
        """Return the contacts in a list."""
        return enveloped(self, read("/v1/contacts/lists/{}/members", list_id), "members", list[SendaraContact])

    def add_member(self, list_id: str, contact_id: str) -> SendaraMember:
        """Put a contact into a static list; whoever is there already stays, and then the answer has no ``id``."""
        body = {"contact_id": contact_id}
        return self.call(repeatable("POST", "/v1/contacts/lists/{}/members", list_id, body=body), SendaraMember)

    def remove_member(self, list_id: str, contact_id: str) -> None:
        """Take a contact out of a static list.

        :raises NotFoundError: when it is not in there.
        """
        self.call(repeatable("DELETE", "/v1/contacts/lists/{}/members/{}", list_id, contact_id), Json)

    # Suppressions

    def list_suppressions(
        self, channel: str = "email", *, limit: int | None = None, offset: int | None = None
    ) -> list[SendaraSuppression]:
        """Return whom nothing is sent to; no document says that ``limit`` and ``offset`` mean anything here."""
        request = read("/v1/suppressions", channel=channel, limit=limit, offset=offset)
        return enveloped(self, request, "suppressions", list[SendaraSuppression])

    def suppress(self, recipient: str, *, channel: str = "email", reason: str | None = None) -> SendaraSuppression:
        """Never send anything to an address or number any more.

        :param reason: ``hard_bounce``, ``complaint`` ...
        """
        body = {"channel": channel, "recipient": recipient} | ({"reason": reason} if reason else {})
        return self.call(repeatable("POST", "/v1/suppressions", body=body), SendaraSuppression)

    def unsuppress(self, recipient: str, *, channel: str = "email") -> None:
        """Let mails go to an address or number again."""
        request = repeatable("DELETE", "/v1/suppressions", channel=channel, recipient=recipient)
        self.call(request, Json)
