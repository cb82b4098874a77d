"""One mail to one person: checked before anything is sent, and sent once."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping
from hashlib import sha256

import msgspec

from airflow_provider_sender.client.errors import ConfigurationError
from airflow_provider_sender.client.messages import Mailbox, Message
from airflow_provider_sender.client.service import Capability, Service
from airflow_provider_sender.client.values import Json
from airflow_provider_sender.jobs.finding import Intents
from airflow_provider_sender.jobs.mapping import is_address
from airflow_provider_sender.jobs.once import Deed, do_once

# What a mail may have of its own beside a template -> the parameters that say it.
_BESIDE_A_TEMPLATE = {"subject": ("subject",), "sender": ("from_email", "from_name"), "reply_to": ("reply_to",)}

# What a mail must have -> the parameter that says it, and what to do without it.
_NEEDED = {
    "subject": ("subject", "Give one"),
    "sender": ("from_email", "Give an address on a domain that is verified with the service"),
}

# Control characters, and what ends a line or paragraph.
_BREAKS = {"Cc", "Zl", "Zp"}


def send_message_once(
    service: Service, message: Message, tries: str, intents: Intents, *, run: str | None = None
) -> str | None:
    """Send a mail, or find that an earlier try of the task sent it; return the service's id of it, if it gives one.

    Where the service sends one mail for a key, a later try sends it again under the same one, whatever became of the
    earlier.

    :param tries: see :class:`~airflow_provider_sender.jobs.once.Deed`.
    :param run: what tells this run of the task from every other.
    :raises OutcomeUnknownError: when it cannot be told whether it was sent.
    """
    is_repeatable = run is not None and Capability.IDEMPOTENT_MESSAGES in service.capabilities
    if is_repeatable:
        message = msgspec.structs.replace(message, key=_key_of(f"{run}/{tries}"))
    deed = Deed("The mail", tries, f"Look at {service.name}'s transactional mails.", is_repeatable=is_repeatable)
    return do_once(deed, lambda: service.send_message(message), intents)


def _key_of(intent: str) -> str:
    """Return what a service is told instead of names of DAGs, which are nobody's business."""
    return f"airflow-{sha256(intent.encode()).hexdigest()[:32]}"


def message_from(given: Mapping[str, object], service: Service) -> Message:
    """Return the mail that parameters describe, each as it was given; None is the same as not there.

    :param service: who is to send it, which knows what a template of its own has.
    :param given: ``to``, ``subject``, ``html``, ``text``, ``template_id``, ``variables``, ``from_email``,
        ``from_name``, ``reply_to``, ``attachments``, ``headers``.
    :raises ConfigurationError: when the service would not know what to send, to whom, or from whom.
    """
    _check_is_whole(given, service)
    message = Message(
        to=_mailbox(given.get("to"), "to"),
        sender=_sender(given),
        subject=_line(given.get("subject"), "subject"),
        html=_text(given.get("html"), "html"),
        text=_text(given.get("text"), "text"),
        template_id=_line(given.get("template_id"), "template_id"),
        reply_to=None if given.get("reply_to") is None else _mailbox(given["reply_to"], "reply_to"),
        variables=variables(given.get("variables"), "variables"),
        attachments=_attachments(given.get("attachments")),
        headers=_lines(given.get("headers"), "headers"),
    )
    _check_has_a_form(message, "The mail")
    return message


def _check_is_whole(given: Mapping[str, object], service: Service) -> None:
    """Find out whether a mail has all it needs, and nothing that its template has."""
    if given.get("template_id") is None:
        for parameter, remedy in _NEEDED.values():
            if given.get(parameter) is None:
                raise ConfigurationError(f"{parameter}: is missing. {remedy}; only a template has one of its own.")
        if given.get("html") is None and given.get("text") is None:
            raise ConfigurationError("Give the mail's content as html, as text, or as both; or name a template_id.")
        return
    for part, (parameter, remedy) in _NEEDED.items():
        if part in service.template_needs and given.get(parameter) is None:
            raise ConfigurationError(f"{parameter}: is missing. {remedy}; {service.name}'s templates have none.")
    brought = [name for part, names in _BESIDE_A_TEMPLATE.items() if part in service.template_brings for name in names]
    own = [name for name in brought if given.get(name) is not None]
    if own:
        raise ConfigurationError(f"{', '.join(own)}: a template has that of its own. Leave it out, or template_id.")


def variables(given: object, parameter: str) -> Mapping[str, Json]:
    """Return named values, of any kind that JSON has.

    :raises ConfigurationError: when they are something else.
    """
    values = _mapping(given, parameter)
    _check_has_a_form(values, parameter)
    return values


def _check_has_a_form(value: object, what: str) -> None:
    """Find out now whether JSON has a form for something, because during the call nobody would know what was sent."""
    try:
        msgspec.json.encode(value)
    except (TypeError, ValueError, OverflowError, RecursionError):
        raise ConfigurationError(
            f"{what}: holds something that JSON has no form for. Give texts (in Unicode), numbers, lists and "
            "dictionaries."
        ) from None


def address(given: object, parameter: str) -> str:
    """Return an e-mail address.

    :raises ConfigurationError: when it is missing or none.
    """
    if given is None:
        raise ConfigurationError(f"{parameter}: is missing. Give an e-mail address.")
    if not isinstance(given, str):
        raise ConfigurationError(f"{parameter}: is a {type(given).__name__}, not an e-mail address.")
    if not is_address(given.strip()):
        raise ConfigurationError(
            f"{parameter}: is no e-mail address. Give one address and nothing else; a name goes into "
            f"{{'email': ..., 'name': ...}}."
        )
    return given.strip()


def _mailbox(given: object, parameter: str) -> Mailbox:
    if isinstance(given, Mapping):
        others = set(given) - {"email", "name"}
        if others:
            raise ConfigurationError(f"{parameter}: may hold email and name, and nothing else.")
        return Mailbox(address(given.get("email"), f"{parameter}['email']"), _line(given.get("name"), parameter))
    if isinstance(given, Collection) and not isinstance(given, str):
        raise ConfigurationError(
            f"{parameter}: is a {type(given).__name__}. One task mails one person, so that it is known of everybody "
            "whether they were mailed: map the task over the addresses with .expand(), or make a campaign."
        )
    return Mailbox(address(given, parameter))


def _sender(given: Mapping[str, object]) -> Mailbox | None:
    if given.get("from_email") is None:
        return None
    return Mailbox(address(given["from_email"], "from_email"), _line(given.get("from_name"), "from_name"))


def _text(given: object, parameter: str) -> str | None:
    if given is None:
        return None
    if not isinstance(given, str):
        raise ConfigurationError(f"{parameter}: is a {type(given).__name__}, not a text.")
    if not given.strip():
        raise ConfigurationError(f"{parameter}: is empty. Look at what its template renders to or its task returns.")
    return given


def _line(given: object, parameter: str) -> str | None:
    """Return a text that goes into a mail's head, where a line break would begin another line of it."""
    text = _text(str(given) if isinstance(given, int | float) else given, parameter)
    if text is not None and any(unicodedata.category(each) in _BREAKS for each in text.strip()):
        raise ConfigurationError(f"{parameter}: holds a line break or another control character.")
    return None if text is None else text.strip()


def _mapping(given: object, parameter: str) -> dict[str, object]:
    if given is None:
        return {}
    if not isinstance(given, Mapping) or not all(isinstance(name, str) for name in given):
        raise ConfigurationError(f"{parameter}: is a {type(given).__name__}, not a dictionary with texts for keys.")
    return dict(given)


def _lines(given: object, parameter: str) -> dict[str, str]:
    lines = {}
    for name, value in _mapping(given, parameter).items():
        line = _line(value, f"{parameter}, one of the values")
        if line is not None:
            lines[_line(name, f"{parameter}, one of the names") or ""] = line
    return lines


def _attachments(given: object) -> dict[str, str]:
    attachments = _lines(given, "attachments")
    if not all(place.startswith(("https://", "http://")) for place in attachments.values()):
        raise ConfigurationError(
            "attachments: one of them is no http or https address. The service fetches the files itself, so each must "
            "be where it can be reached from outside: give a signed link to object storage, say."
        )
    return attachments
