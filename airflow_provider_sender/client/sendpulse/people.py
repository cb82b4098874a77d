"""SendPulse's endpoints for the account, its mailing lists and those who are in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from airflow_provider_sender.client.client import Calls
from airflow_provider_sender.client.errors import NotFoundError, ServiceFailureError
from airflow_provider_sender.client.request import Request, once, read, repeatable
from airflow_provider_sender.client.sendpulse.calls import PAGE_SIZE, refuse_nothing
from airflow_provider_sender.client.sendpulse.records import (
    Done,
    MailingList,
    Member,
    SenderAddress,
    UserInfo,
    Variable,
)
from airflow_provider_sender.client.sequences import objects_of, texts_of
from airflow_provider_sender.client.values import Json

# Addresses the calls that unsubscribe and delete take at the most.
MOST_ADDRESSES = 100


class _Total(msgspec.Struct):
    total: int


class _Made(msgspec.Struct):
    id: int | str


class SendPulsePeople(Calls):
    """The endpoints for accounts, mailing lists and subscribers."""

    # Account, balance, senders

    def get_user_info(self) -> UserInfo:
        """Return whose account it is."""
        return self.call(read("/user/info"), UserInfo)

    def list_invited_users(self) -> list[dict[str, Json]]:
        """Return the members of the account's team."""
        return self.call(read("/user/invited-users-list"), list[dict[str, Json]])

    def get_balance_details(self) -> dict[str, Json]:
        """Return the balance, and the plans of each of the services with what is left of them."""
        return self.call(read("/user/balance/detail"), dict[str, Json])

    def get_balance(self, currency: str | None = None) -> dict[str, Json]:
        """Return the balance, in a currency (``USD``, ``EUR`` ...) if one is given."""
        request = read("/balance") if currency is None else read("/balance/{}", currency)
        return self.call(request, dict[str, Json])

    def list_senders(self) -> list[SenderAddress]:
        """Return the addresses campaigns can be sent from."""
        return self.call(read("/senders"), list[SenderAddress])

    def add_sender(self, email: str, name: str) -> Done:
        """Add a sender's address, which is to be confirmed then."""
        return self.call(once("POST", "/senders", body={"email": email, "name": name}), Done)

    def remove_sender(self, email: str) -> Done:
        """Remove a sender's address."""
        return self.call(repeatable("DELETE", "/senders", body={"email": email}), Done)

    def request_sender_code(self, email: str) -> Done:
        """Have a code sent to a sender's address; once in 15 minutes."""
        return self.call(Request("GET", "/senders/{}/code", (email,), repeatable=False), Done)

    def confirm_sender(self, email: str, code: str) -> Done:
        """Confirm a sender's address with the code it got."""
        return self.call(repeatable("POST", "/senders/{}/code", email, body={"code": code}), Done)

    # Mailing lists

    def list_mailing_lists(self, *, limit: int = PAGE_SIZE, offset: int = 0) -> list[MailingList]:
        """Return some of the mailing lists."""
        return self.call(read("/addressbooks", limit=limit, offset=offset), list[MailingList])

    def get_mailing_list(self, list_id: str) -> MailingList:
        """Return one mailing list.

        :raises NotFoundError: when there is none.
        """
        answer = self.call(read("/addressbooks/{}", list_id), list[MailingList])
        if not answer:
            raise NotFoundError("There is no such mailing list.", method="GET", path="/addressbooks/{}")
        return answer[0]

    def create_mailing_list(self, name: str) -> str:
        """Create a mailing list and return its id; a name can be taken once.

        :raises OutcomeUnknownError: also when the answer does not say which one it is.
        """
        return str(self.call(once("POST", "/addressbooks", body={"bookName": name}), _Made).id)

    def rename_mailing_list(self, list_id: str, name: str) -> Done:
        """Give a mailing list another name."""
        return self.call(repeatable("PUT", "/addressbooks/{}", list_id, body={"name": name}), Done)

    def delete_mailing_list(self, list_id: str) -> Done:
        """Delete a mailing list with all it knows about those who are in it."""
        return self.call(repeatable("DELETE", "/addressbooks/{}", list_id), Done)

    def list_variables(self, list_id: str) -> list[Variable]:
        """Return the variables of a mailing list."""
        return self.call(read("/addressbooks/{}/variables", list_id), list[Variable])

    def get_mailing_list_cost(self, list_id: str) -> dict[str, Json]:
        """Return what a campaign to a mailing list would cost.

        :raises InvalidRequestError: when the list is empty.
        """
        return self.call(read("/addressbooks/{}/cost", list_id), dict[str, Json])

    def list_mailing_list_campaigns(
        self, list_id: str, *, limit: int = PAGE_SIZE, offset: int = 0
    ) -> list[dict[str, Json]]:
        """Return some of a mailing list's campaigns, which are called tasks here."""
        request = read("/addressbooks/{}/campaigns", list_id, limit=limit, offset=offset)
        return self.call(request, list[dict[str, Json]])

    # Subscribers

    def list_subscribers(
        self, list_id: str, *, limit: int = PAGE_SIZE, offset: int = 0, order: str = "asc"
    ) -> list[Member]:
        """Return some of a mailing list's subscribers, in all states."""
        request = read("/addressbooks/{}/emails", list_id, limit=limit, offset=offset, order=order)
        return self.call(request, list[Member])

    def count_subscribers(self, list_id: str) -> int:
        """Return how many subscribers a mailing list has, in all states."""
        return self.call(read("/addressbooks/{}/emails/total", list_id), _Total).total

    def get_subscriber(self, list_id: str, email: str) -> dict[str, Json]:
        """Return a subscriber of a mailing list.

        :raises NotFoundError: when there is none.
        """
        return self.call(read("/addressbooks/{}/emails/{}", list_id, email), dict[str, Json])

    def find_by_variable(self, list_id: str, name: str, value: str) -> list[Member]:
        """Return the subscribers of a mailing list who have this value in a variable."""
        return self.call(read("/addressbooks/{}/variables/{}/{}", list_id, name, value), list[Member])

    def get_address(self, email: str) -> list[Member]:
        """Return what each mailing list says about an address."""
        return self.call(read("/emails/{}", email), list[Member])

    def get_address_details(self, email: str) -> Json:
        """Return when and how an address got into each of its mailing lists."""
        return self.call(read("/emails/{}/details", email), Json)

    def get_addresses(self, emails: Sequence[str]) -> dict[str, list[Member]]:
        """Return what each mailing list says about each of many addresses; those in none may be missing."""
        answer = self.call(repeatable("POST", "/emails", body={"emails": texts_of(emails, "emails")}), Json)
        if answer == []:  # an object without members, as PHP writes it
            return {}
        if not isinstance(answer, Mapping):
            kind = type(answer).__name__
            raise ServiceFailureError(f"SendPulse's answer about addresses cannot be read (it is a {kind}).")
        try:
            return {
                address: msgspec.convert(said or [], list[Member], strict=False) for address, said in answer.items()
            }
        except msgspec.ValidationError as error:
            raise ServiceFailureError(f"SendPulse's answer about addresses cannot be read ({error}).") from None

    def add_subscribers(self, list_id: str, subscribers: Sequence[Mapping[str, Json]], **options: Json) -> Done:
        """Put subscribers into a mailing list, or change the variables of those who are there.

        :param subscribers: ``{"email": ..., "variables": {...}}`` each; dates are written ``YYYY-MM-DD``.
        :param options: ``tags``, ``dont_update``, ``check_emails``, ``disable_webhook``; for double opt-in
            ``confirmation="force"``, ``sender_email``, ``template_id`` and ``message_lang``.
        :return: that the call was taken, and nothing about any of them.
        """
        body = {"emails": objects_of(subscribers, "subscribers"), **options}
        return self.call(repeatable("POST", "/addressbooks/{}/emails", list_id, body=body), Done)

    def update_variables(self, list_id: str, email: str, variables: Mapping[str, Json]) -> Done:
        """Change variables of one subscriber, and nothing else.

        :raises NotFoundError: when the mailing list has no such subscriber.
        """
        body = {"email": email, "variables": [{"name": name, "value": value} for name, value in variables.items()]}
        return self.call(repeatable("POST", "/addressbooks/{}/emails/variable", list_id, body=body), Done)

    def update_phone(self, list_id: str, email: str, phone: str) -> Done:
        """Change the phone number of one subscriber."""
        return self.call(
            repeatable("PUT", "/addressbooks/{}/phone", list_id, body={"email": email, "phone": phone}), Done
        )

    def unsubscribe(self, list_id: str, emails: Sequence[str]) -> Done:
        """Unsubscribe up to 100 subscribers of a mailing list; one without an active one is refused."""
        these = texts_of(emails, "emails")
        refuse_nothing(these, "emails")
        return self.call(
            repeatable("POST", "/addressbooks/{}/emails/unsubscribe", list_id, body={"emails": these}), Done
        )

    def remove_subscribers(self, list_id: str, emails: Sequence[str]) -> Done:
        """Take up to 100 subscribers out of a mailing list.

        :raises NotFoundError: when none of them is in it.
        """
        these = texts_of(emails, "emails")
        refuse_nothing(these, "emails")
        return self.call(repeatable("DELETE", "/addressbooks/{}/emails", list_id, body={"emails": these}), Done)

    def delete_address(self, email: str) -> Done:
        """Take an address out of every mailing list."""
        return self.call(repeatable("DELETE", "/emails/{}", email), Done)
