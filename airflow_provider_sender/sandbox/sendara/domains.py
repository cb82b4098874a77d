"""``/v1/domains``: from where an account may send."""

from __future__ import annotations

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.account.documents import Document, Json
from airflow_provider_sender.sandbox.sendara.checks import bare_address, body_of, is_address
from airflow_provider_sender.sandbox.sendara.dates import written
from airflow_provider_sender.sandbox.sendara.keys import route
from airflow_provider_sender.sandbox.sendara.replies import answer, invalid, not_found, nothing, refused
from airflow_provider_sender.sandbox.wire import Call, Reply

_KIND = "sendara domain"


def verified_sender(account: Account, from_email: str) -> None:
    """Let only verified addresses send.

    :raises Refused: when a from address is on no verified domain.
    """
    domains = account.settings.sendara_verified_domains
    if domains is None:
        return
    of_address = bare_address(from_email).rpartition("@")[2].lower()
    document = _find(account, of_address)
    if of_address not in domains and (document is None or not document.body["is_verified"]):
        raise refused("from_not_verified", "The from address is not on a verified domain")


def _find(account: Account, domain: str) -> Document | None:
    return next(iter(account.documents.where(_KIND, "domain", domain.lower())), None)


def _records(domain: str) -> list[tuple[str, str, str, str]]:
    """What each record is for, its type, name and value."""
    dkim = [("dkim", "CNAME", f"s{n}._domainkey.{domain}", f"s{n}.dkim.sendara.dev") for n in (1, 2, 3)]
    return [
        *dkim,
        ("mail_from", "MX", f"bounce.{domain}", "10 feedback.sendara.dev"),
        ("spf", "TXT", f"bounce.{domain}", "v=spf1 include:spf.sendara.dev ~all"),
        ("dmarc", "TXT", f"_dmarc.{domain}", "v=DMARC1; p=none;"),
    ]


def _as_json(document: Document) -> dict[str, object]:
    domain = str(document.body["domain"])
    status = "verified" if document.body["is_verified"] else "pending"
    return {
        "id": f"dom_{document.id}",
        "domain": domain,
        "dkim_status": status,
        "spf_status": status,
        "dmarc_status": status,
        "dns_records": [{"type": type, "name": name, "value": value} for _, type, name, value in _records(domain)],
        "mail_from_domain": domain,
        "created_at": written(document.created),
    }


def _the_one(account: Account, call: Call) -> Document:
    found = _find(account, call.parameters["domain"])
    if found is None:
        raise not_found("Domain")
    return found


def _list(account: Account, call: Call) -> Reply:
    return answer({"domains": [_as_json(document) for document in reversed(account.documents.all(_KIND))]})


def _get(account: Account, call: Call) -> Reply:
    return answer(_as_json(_the_one(account, call)))


def _post(account: Account, call: Call) -> Reply:
    domain = body_of(call).needed("domain").lower()
    if not is_address(f"someone@{domain}"):
        raise invalid("domain is not a valid domain name")
    if _find(account, domain) is not None:
        raise invalid("domain is already registered")
    kept: dict[str, Json] = {"domain": domain, "is_verified": False}
    return answer(_as_json(account.documents.add(_KIND, kept, account.now)), 201)


def _verify(account: Account, call: Call) -> Reply:
    document, published = _the_one(account, call), account.settings.sendara_dns_published
    account.documents.change(document, {"is_verified": published})
    results = [
        {
            "field": field,
            "type": type,
            "name": name,
            "status": "verified" if published else "pending",
            "detail": "" if published else "record not found",
        }
        for field, type, name, _ in _records(str(document.body["domain"]))
    ]
    return answer({"domain": document.body["domain"], "fully_verified": published, "results": results})


def _delete(account: Account, call: Call) -> Reply:
    account.documents.delete(_the_one(account, call))
    return nothing()


ROUTES = (
    route("admin", "GET", "/v1/domains", _list),
    route("admin", "POST", "/v1/domains", _post),
    route("admin", "GET", "/v1/domains/{domain}", _get),
    route("admin", "POST", "/v1/domains/{domain}/verify", _verify),
    route("admin", "DELETE", "/v1/domains/{domain}", _delete),
)
