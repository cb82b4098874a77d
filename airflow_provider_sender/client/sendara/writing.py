"""Rows written into a Sendara account: by its import where that is safe, else one call a contact.

An import answers with counters and does not say who was skipped. Where anybody was, or the whole call was refused, it
is made again for either half, down to a few rows that are then written by calls of their own, which say why.

Two things about an import are documented nowhere, and both are kept from mattering. Whether it adds to the attributes
and tags a contact has or puts others in their place: so it is given all of them. And whether it makes active whoever it
is told no consent of: so it is told one of everybody, or it is meant to make them active. Whoever is only to be left as
they are is written by a call of their own, which changes nothing else and creates nobody who is there: they may have
opted out since they were seen, or not have been seen though they are there.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from enum import StrEnum

from airflow_provider_sender.client.errors import InvalidRequestError, NotFoundError
from airflow_provider_sender.client.rows import Write, WriteResult, no_such_group
from airflow_provider_sender.client.sendara.client import SendaraClient
from airflow_provider_sender.client.sendara.contact_records import (
    SUPPRESSION_REASONS,
    TAGS,
    WRITTEN_CONSENTS,
    tags_from,
)
from airflow_provider_sender.client.sendara.people import found
from airflow_provider_sender.client.subscribers import Consent, Subscriber, SubscriberChange
from airflow_provider_sender.client.values import Json

log = logging.getLogger(__name__)

# Fewer rows than this are not worth an import that may have to be made again.
_FEW = 3

_NOT_FOUND_AGAIN = "The contact was created, but is not found again to be put into its lists. Run it again."


class ImportForm(StrEnum):
    """The form an account's import takes; sources contradict each other."""

    CONTACTS = "contacts"
    ROWS = "rows"
    FILE = "s3_key"


class SendaraWriter:
    """Writes rows.

    :param form: how rows are imported. Nothing documents how a file gets to where it is imported from, so with that
        form every row is a call.
    """

    def __init__(self, client: SendaraClient, form: ImportForm = ImportForm.CONTACTS) -> None:
        self._client = client
        self._form = form

    def write(self, writes: Sequence[Write]) -> list[WriteResult]:
        """Write rows, their lists included; return what became of each."""
        refusals: dict[int, InvalidRequestError | NotFoundError] = {}
        ids: dict[int, str] = {line: each.current.id for line, each in enumerate(writes) if each.current is not None}
        numbered = list(enumerate(writes))
        alone = self._import([each for each in numbered if self._may_be_imported(each[1])])
        alone += [each for each in numbered if not self._may_be_imported(each[1])]
        for line, each in alone:
            try:
                contact_id = self.write_alone(each)
            except (InvalidRequestError, NotFoundError) as error:
                refusals[line] = error
                continue
            if contact_id:  # else the answer did not say, and it is found later
                ids[line] = contact_id
        accepted = [(line, each.change) for line, each in numbered if line not in refusals]
        refusals |= self._finish(accepted, ids)
        return [WriteResult(refusal=refusals.get(line)) for line in range(len(writes))]

    def write_alone(self, write: Write) -> str:
        """Write one row, its lists not included; return the contact's id.

        :raises InvalidRequestError: when the service refuses it.
        :raises NotFoundError: when the contact is gone.
        """
        if write.current is not None:
            body = self._changes(write.change, write.current)
            if body:
                self._client.update_contact(write.current.id, body)
            return write.current.id
        try:
            return self._client.create_contact(contact_body(write.change, None)).id
        except InvalidRequestError as error:
            if error.code != "duplicate_contact" or write.change.email is None:
                raise
        current = found(self._client, [write.change.email]).get(write.change.email)
        if current is None:
            raise NotFoundError("The service says that the contact is there, and does not list it.")
        return self.write_alone(Write(write.change, current))

    def join(self, contact_id: str, lists: Iterable[str]) -> None:
        """Put a contact into lists.

        :raises NotFoundError: when one is not there, or the contact is not.
        """
        for list_id in lists:
            try:
                self._client.add_member(list_id, contact_id)
            except NotFoundError:
                if not found(self._client, [contact_id]):
                    raise
                raise no_such_group() from None

    def _finish(
        self, accepted: Sequence[tuple[int, SubscriberChange]], ids: dict[int, str]
    ) -> dict[int, InvalidRequestError | NotFoundError]:
        """Suppress whoever is to be, and put people into their lists; return what was refused."""
        newcomers = {change.email: line for line, change in accepted if change.groups and line not in ids}
        known = found(self._client, [each for each in newcomers if each], among_newest=True) if newcomers else {}
        ids |= {newcomers[email]: contact.id for email, contact in known.items()}
        refusals: dict[int, InvalidRequestError | NotFoundError] = {}
        for line, change in accepted:
            try:
                self.suppress(change)
                if change.groups and line not in ids:
                    raise NotFoundError(_NOT_FOUND_AGAIN)
                self.join(ids.get(line, ""), change.groups)
            except (InvalidRequestError, NotFoundError) as error:
                refusals[line] = error
        return refusals

    def suppress(self, change: SubscriberChange) -> None:
        """Put somebody on the suppression list whose mails bounced, or who complained."""
        reason = SUPPRESSION_REASONS.get(change.consent) if change.consent is not None else None
        if reason is not None and change.email is not None:
            self._client.suppress(change.email, reason=reason)

    def _may_be_imported(self, write: Write) -> bool:
        if self._form is ImportForm.FILE or write.change.email is None:
            return False
        current, is_told = write.current, write.change.consent is not None
        if current is None:
            return is_told or write.may_reactivate
        is_active = write.may_reactivate and current.consent is Consent.ACTIVE
        is_the_same = (current.email or "").lower() == write.change.email.lower()
        return (is_told or is_active) and is_the_same and not _has_more_than_texts(current)

    def _import(self, batch: list[tuple[int, Write]]) -> list[tuple[int, Write]]:
        """Import rows; return those that have to be written by calls of their own."""
        if len(batch) < _FEW or self._form is ImportForm.FILE:
            return batch
        bodies = [contact_body(each.change, each.current) for _, each in batch]
        send = self._client.import_rows if self._form is ImportForm.ROWS else self._client.import_contacts
        try:
            answer = send(bodies)
        except InvalidRequestError:
            log.info("Sendara refused an import of %d contacts; importing either half", len(batch))
        except NotFoundError:
            log.warning(
                "This account knows no import in the form the connection's import_form names (%s); each contact is "
                "written by itself now",
                self._form,
            )
            self._form = ImportForm.FILE
            return batch
        else:
            told = answer.imported + answer.updated
            if told >= len(batch) and not answer.skipped:
                return []
            if not told and not answer.skipped:
                log.warning("Sendara's import does not say what became of the contacts; each is written by itself now")
                self._form = ImportForm.FILE
                return batch
        middle = len(batch) // 2
        return self._import(batch[:middle]) + self._import(batch[middle:])

    def _changes(self, change: SubscriberChange, current: Subscriber) -> dict[str, Json]:
        """Return what to change of a contact; attributes with all it has, since they take their place."""
        body = _values(change)
        if change.email is not None and change.email.lower() != (current.email or "").lower():
            body["email"] = change.email
        attributes = _attributes(change)
        if attributes:
            there = _attributes_of(current)
            if _has_more_than_texts(current):
                # A list or an object is only a text in our words, and would come back as one.
                there = dict(self._client.get_contact(current.id).attributes or {})
            body["attributes"] = {**there, **attributes}
        return body


def contact_body(change: SubscriberChange, current: Subscriber | None) -> dict[str, Json]:
    """Return a contact as it is to be, with everything it is already but its consent."""
    body: dict[str, Json] = {}
    attributes = _attributes(change)
    if current is not None:
        there = {"phone_number": current.phone, "first_name": current.firstname, "last_name": current.lastname}
        body = {name: value for name, value in there.items() if value}
        attributes = {**_attributes_of(current), **attributes}
        if current.fields.get(TAGS):
            body["tags"] = tags_from(current.fields[TAGS])
    if change.email is not None:
        body["email"] = change.email
    if attributes:
        body["attributes"] = attributes
    return {**body, **_values(change)}


def _values(change: SubscriberChange) -> dict[str, Json]:
    """Return what a change says, but for the address and the attributes."""
    values = {
        "phone_number": change.phone,
        "first_name": change.firstname,
        "last_name": change.lastname,
        "email_consent": None if change.consent is None else WRITTEN_CONSENTS[change.consent],
        "tags": tags_from(change.fields[TAGS]) if change.fields.get(TAGS) is not None else None,
    }
    return {name: value for name, value in values.items() if value is not None}


def _attributes(change: SubscriberChange) -> dict[str, Json]:
    return {name: value for name, value in change.fields.items() if name != TAGS and value is not None}


def _attributes_of(current: Subscriber) -> dict[str, Json]:
    return {name: value for name, value in current.fields.items() if name != TAGS}


def _has_more_than_texts(current: Subscriber) -> bool:
    """Tell whether an attribute may be a list or an object, of which a subscriber has the JSON."""
    return any(isinstance(value, str) and value[:1] in ("[", "{") for value in current.fields.values())
