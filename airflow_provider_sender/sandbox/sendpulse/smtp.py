"""``/smtp/emails``: one transactional e-mail a call, which is accepted and not yet delivered."""

from __future__ import annotations

from zlib import crc32

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.account.documents import Document, Json
from airflow_provider_sender.sandbox.sendpulse.blacklist import is_blacklisted
from airflow_provider_sender.sandbox.sendpulse.dates import local
from airflow_provider_sender.sandbox.sendpulse.drafts import decoded_file
from airflow_provider_sender.sandbox.sendpulse.ids import document_key
from airflow_provider_sender.sandbox.sendpulse.reading import addresses, day, decoded, is_address, page_of, text
from airflow_provider_sender.sandbox.sendpulse.replies import answer, done, invalid, number, refused
from airflow_provider_sender.sandbox.sendpulse.senders import is_activated
from airflow_provider_sender.sandbox.sendpulse.smtp_lists import check_smtp_user, is_unsubscribed
from airflow_provider_sender.sandbox.sendpulse.templates import the_template
from airflow_provider_sender.sandbox.service import Route
from airflow_provider_sender.sandbox.wire import Call, Reply

# What the control API shows of every service.
MESSAGE = "message"
_KIND = "sendpulse message"
_MOST_RECIPIENTS, _MOST_IDS = 100, 500


def _people(email: dict[str, Json], name: str) -> list[str]:
    given = email.get(name) or []
    if not isinstance(given, list):
        raise invalid(f"The email.{name} must be an array.")
    found = [person.get("email") if isinstance(person, dict) else None for person in given]
    if not all(is_address(address) for address in found):
        raise refused(906)
    return [str(address) for address in found]


def _check_text(account: Account, email: dict[str, Json]) -> None:
    """Either HTML in Base64 with its plain text, or a template."""
    template = email.get("template")
    if template is None:
        html, plain = decoded(email, "html"), text(email, "text")
        makes_text = email.get("auto_plain_text") and not account.settings.sendpulse_text_required
        if html is None or (plain is None and not makes_text):
            raise refused(13)
        return
    if not isinstance(template, dict) or template.get("id") is None:
        raise invalid("The email.template.id field is required.")
    the_template(account, str(template["id"]))
    variables = template.get("variables")
    if variables is not None and not isinstance(variables, dict | list):
        raise invalid("The email.template.variables must be an array.")


def _check_attachments(email: dict[str, Json]) -> None:
    for name in ("attachments", "attachments_binary"):
        given = email.get(name) or {}
        if not isinstance(given, dict):
            raise invalid(f"The email.{name} must be an array.")
        if name == "attachments_binary":
            for file in given:
                decoded_file(given, file)


def _sender(account: Account, email: dict[str, Json]) -> str:
    given = email.get("from")
    address = given.get("email") if isinstance(given, dict) else None
    if not address or not isinstance(given, dict) or not given.get("name"):
        raise refused(701)
    if not is_activated(account, str(address)):
        raise refused(704)
    return str(address)


def _post(account: Account, call: Call) -> Reply:
    check_smtp_user(account)
    email = call.json.get("email")
    if not isinstance(email, dict):
        raise invalid("The email field is required.")
    subject = text(email, "subject")
    if subject is None:
        raise refused(12)
    sender, to = _sender(account, email), _people(email, "to")
    if not to:
        raise refused(11)
    everybody = [*to, *_people(email, "cc"), *_people(email, "bcc")]
    if len(everybody) > _MOST_RECIPIENTS:
        raise refused(550)
    _check_text(account, email)
    _check_attachments(email)
    if all(is_blacklisted(account, address) for address in to):
        raise refused(904)
    account.documents.add(MESSAGE, email, account.now)
    details: dict[str, Json] = {"sender": sender, "recipient": to[0], "subject": subject, "size": len(call.body)}
    return done(id=_id(account.documents.add(_KIND, details, account.now)))


def _id(message: Document) -> str:
    """A message's id, of the shape ``pzkic9-0afezp-fc``; its number is the part in front."""
    check = crc32(f"sendpulse {message.number}".encode())
    return f"{message.number:06x}-{check:08x}-{check % 256:02x}"


def _found(account: Account, id: str) -> Document | None:
    try:
        number = int(id.partition("-")[0], 16)
    except ValueError:
        return None
    message = account.documents.find(_KIND, document_key(_KIND, str(number)))
    return message if message is not None and _id(message) == id else None


def _answer_code(account: Account, message: Document) -> tuple[int, str]:
    """What the recipient's server said; addresses at ``.invalid`` have none that would take a mail."""
    recipient = str(message.body["recipient"])
    if recipient.lower().endswith(".invalid"):
        return 550, "No such user"
    return (541, "Unsubscribed") if is_unsubscribed(account, recipient) else (250, "OK")


def _as_json(account: Account, message: Document) -> dict[str, object]:
    code, said = _answer_code(account, message)
    return {
        "id": _id(message),
        "sender": message.body["sender"],
        "total_size": number(account, int(str(message.body["size"]))),
        "sender_ip": "192.0.2.1",
        "smtp_answer_code": number(account, code),
        "smtp_answer_code_explain": "Delivered" if code == 250 else "Not delivered",
        "smtp_answer_subcode": "0",
        "smtp_answer_data": said,
        "used_ip": "192.0.2.1",
        "recipient": message.body["recipient"],
        "subject": message.body["subject"],
        "send_date": local(account, message.created),
        "tracking": {"click": 0, "open": 0, "link": [], "client_info": []},
    }


def _list(account: Account, call: Call) -> Reply:
    query = call.query
    first, last = day(query, "from") or "", day(query, "to") or "9"
    rows = [_as_json(account, message) for message in account.documents.all(_KIND)]
    return answer(
        page_of(
            call,
            [
                row
                for row in rows
                if first <= str(row["send_date"])[:10] <= last
                and query.get("sender") in (None, row["sender"])
                and query.get("recipient") in (None, row["recipient"])
            ],
        )
    )


def _get(account: Account, call: Call) -> Reply:
    message = _found(account, call.parameters["id"])
    if message is None:
        raise refused(14)
    return answer(_as_json(account, message))


def _info(account: Account, call: Call) -> Reply:
    """Many messages by their ids, those left out that are not there."""
    found = [_found(account, id) for id in addresses(call.json, most=_MOST_IDS)]
    return answer([_as_json(account, message) for message in found if message is not None])


def _total(account: Account, call: Call) -> Reply:
    return answer({"total": number(account, account.documents.count(_KIND))})


def _bounces(account: Account, call: Call) -> list[dict[str, object]]:
    asked = day(call.query, "date") or local(account, account.now)[:10]
    rows = []
    for message in account.documents.all(_KIND):
        row = _as_json(account, message)
        if str(row["send_date"])[:10] == asked and _answer_code(account, message)[0] != 250:
            rows.append({"email_to": row["recipient"], **row})
    return rows


_BOUNCE_KEYS = (
    "email_to", "sender", "send_date", "subject", "smtp_answer_code", "smtp_answer_subcode", "smtp_answer_data",
)  # fmt: skip


def _bounces_of_a_day(account: Account, call: Call) -> Reply:
    found = _bounces(account, call)
    shown = [{key: row[key] for key in _BOUNCE_KEYS} for row in page_of(call, found)]
    counts = {"total": number(account, len(found)), "found": number(account, len(shown))}
    return answer({**counts, "emails": shown, "request_limit": number(account, 100)})


def _bounces_total(account: Account, call: Call) -> Reply:
    return answer({"total": number(account, len(_bounces(account, call)))})


ROUTES = (
    Route("POST", "/smtp/emails", _post),
    Route("GET", "/smtp/emails", _list),
    Route("GET", "/smtp/emails/total", _total),
    Route("POST", "/smtp/emails/info", _info),
    Route("GET", "/smtp/emails/{id}", _get),
    Route("GET", "/smtp/bounces/day", _bounces_of_a_day),
    Route("GET", "/smtp/bounces/day/total", _bounces_total),
)
