"""``/v1/uploads``: images for templates and e-mails, of which nothing but the size is kept."""

from __future__ import annotations

from email.parser import BytesParser
from email.policy import HTTP

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.sendara.keys import route
from airflow_provider_sender.sandbox.sendara.replies import answer, invalid, refused
from airflow_provider_sender.sandbox.wire import Call, Reply

_LARGEST = 2 * 1024 * 1024
_BEGINNINGS = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}


def _file_of(call: Call) -> bytes:
    """The part ``file`` of a form."""
    content_type = call.headers.get("content-type", "")
    if not content_type.startswith("multipart/form-data"):
        raise invalid("The request must be multipart/form-data")
    form = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + call.body)
    for part in form.iter_parts():
        if part.get_param("name", header="content-disposition") == "file":
            content = part.get_payload(decode=True)
            return content if isinstance(content, bytes) else b""
    raise invalid("file is required")


def _image_type(content: bytes) -> str:
    for beginning, kind in _BEGINNINGS.items():
        if content.startswith(beginning):
            return kind
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    raise invalid("file must be a PNG, JPEG, GIF or WebP image")


def _post(account: Account, call: Call) -> Reply:
    content = _file_of(call)
    if len(content) > _LARGEST:
        raise refused("payload_too_large", "Uploads may have at most 2 MiB")
    kind = _image_type(content)
    id = f"asset_{account.documents.add('sendara asset', {'bytes': len(content)}, account.now).id}"
    url = f"https://assets.sendara.dev/v1/assets/{id}"
    return answer({"id": id, "url": url, "content_type": kind, "bytes": len(content)}, 201)


ROUTES = (route("send", "POST", "/v1/uploads", _post),)
