"""Single mails and events as SendPulse's calls take them."""

from __future__ import annotations

import html
from contextlib import suppress
from html.parser import HTMLParser

from airflow_provider_sender.client.errors import ConfigurationError
from airflow_provider_sender.client.messages import Event, Mailbox, Message
from airflow_provider_sender.client.sendpulse.records import id_in
from airflow_provider_sender.client.values import Json

# What these hold is not for reading. (A ``title`` is, but stands above the mail.)
_UNSEEN = {"script", "style", "title"}
# These stand in the middle of a line.
_INLINE = {"a", "abbr", "b", "code", "em", "font", "i", "mark", "s", "small", "span", "strong", "sub", "sup", "u"}


def message_body(message: Message) -> dict[str, Json]:
    """Return the mail the call that sends one takes.

    :raises ConfigurationError: when it cannot say what the message says.
    """
    if message.attachments:
        raise ConfigurationError(
            "attachments: SendPulse takes the files themselves, not addresses to fetch them from. Put a link into the "
            "mail, or call SendPulseHook.send_message with attachments_binary."
        )
    if message.headers:
        raise ConfigurationError("headers: SendPulse takes none.")
    if message.variables and message.template_id is None:
        raise ConfigurationError("variables: SendPulse fills in a template's only. Give template_id.")
    if message.sender is None or not message.subject:
        raise ConfigurationError("subject and sender: SendPulse needs both, also for a mail from a template.")
    content = message.html
    if content is None and message.text is not None and message.template_id is None:
        content = html_from(message.text)  # which it will not do without
    template = {"id": id_in(message.template_id), "variables": dict(message.variables)} if message.template_id else None
    body = {
        "subject": message.subject,
        "from": _mailbox(message.sender, always_named=True),
        "to": [_mailbox(message.to)],
        "reply_to": _mailbox(message.reply_to) if message.reply_to else None,
        "template": template,
        "html": content,
        # Sources differ on whether it wants a text beside one it makes itself.
        "text": message.text or (text_from(content) if content is not None else None),
        "auto_plain_text": True if content is not None and not message.text else None,
    }
    return {key: value for key, value in body.items() if value is not None}


def html_from(text: str) -> str:
    """Return a plain text as HTML, line by line."""
    return f"<p>{html.escape(text).replace(chr(10), '<br>')}</p>"


def text_from(content: str) -> str:
    """Return the text of HTML, links with their addresses; of HTML without any, a blank, which counts as a text."""
    reader = _Text()
    with suppress(AssertionError):  # what html.parser makes of a declaration it does not know; the rest is left out
        reader.feed(content)
        reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.pieces).split("\n"))
    return "\n".join(line for line in lines if line) or " "


class _Text(HTMLParser):
    """Collects what a reader sees."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self._link = ""
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a line, a link, or what is not seen."""
        self._hidden += tag in _UNSEEN
        self._link = (dict(attrs).get("href") or "") if tag == "a" else self._link
        self.pieces.append("" if tag in _INLINE else "\n")

    def handle_endtag(self, tag: str) -> None:
        """End a line, a link, or what is not seen."""
        self._hidden -= tag in _UNSEEN and self._hidden > 0
        ending = f" ({self._link})" if tag == "a" and self._link else ""
        self.pieces.append(ending if tag in _INLINE else "\n")

    def handle_data(self, data: str) -> None:
        """Take a piece of text; where its lines end means nothing."""
        if not self._hidden:
            self.pieces.append(data.replace("\n", " "))


def event_body(event: Event) -> dict[str, Json]:
    """Return the body of the call that records an event.

    :raises ConfigurationError: when the subscriber is named by something else than an address or a phone number.
    """
    named = {key: value for key, value in event.subscriber.items() if key in ("email", "phone")}
    if not named:
        raise ConfigurationError("subscriber: SendPulse knows subscribers by email or phone.")
    values = {"value": event.value, "currency": event.currency}
    return {**event.properties, **{name: value for name, value in values.items() if value is not None}, **named}


def _mailbox(mailbox: Mailbox, *, always_named: bool = False) -> dict[str, str]:
    name = mailbox.name or (mailbox.email if always_named else None)
    return {"email": mailbox.email, **({"name": name} if name else {})}
