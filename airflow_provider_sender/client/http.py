"""One HTTP request with ``requests``, and no more work for it than it needs.

Asked in the usual way, ``requests`` looks for proxies and certificates in the environment, takes the address apart and
builds all headers anew for every request, and reads the answer in pieces of 10 KiB. For a page of a listing that takes
longer than sending and receiving it. Here all of a service's requests go to the same host with the same headers, so
what they have in common is worked out once a session.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import TracebackType
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
import requests.adapters

from airflow_provider_sender import __version__

USER_AGENT = f"airflow-provider-sender/{__version__}"

JSON = "application/json"

_HEADERS = {"Accept": JSON, "Content-Type": JSON, "User-Agent": USER_AGENT}

# A path of these alone comes out of requests as it went in.
_NOTHING_TO_QUOTE = re.compile(r"[A-Za-z0-9/_-]*")

_CONNECTING = 10.0

# Larger than any page: the body is read in one go.
_PIECE = 1 << 20


class HttpSession:
    """Requests of one thread to one service. A context manager.

    :param base_url: what all addresses begin with.
    :param timeout: seconds to wait for an answer, and for any part of it; and at most 10 of them for the connection.
    :raises requests.RequestException: when requests cannot be made to such an address.
    """

    def __init__(self, base_url: str, timeout: float) -> None:
        self._session = requests.Session()
        # Plain http is for this machine; a proxy named in the environment would be told the token in clear.
        self._session.trust_env = urlsplit(base_url).scheme == "https"
        self._options = self._session.merge_environment_settings(base_url, {}, True, None, None)
        # From here on nothing is taken from the environment, or a .netrc file would put another token in our place.
        self._session.trust_env = False
        self._pattern = self._session.prepare_request(requests.Request("GET", base_url, headers=_HEADERS))
        self._base_url = (self._pattern.url or "").rstrip("/")
        self._timeout = (min(_CONNECTING, timeout), timeout)
        self._session.mount(self._base_url, _OneHost())

    def __enter__(self) -> HttpSession:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()

    def prepared(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: bytes | None,
        authorization: str,
        content_type: str = JSON,
    ) -> requests.PreparedRequest:
        """Return a request that is ready to be sent.

        :param path: path below the base address.
        :param authorization: value of the header; empty for the call that gets a token.
        :param content_type: what kind of body it is.
        """
        request = self._pattern.copy()
        request.method = method
        if authorization:
            request.headers["Authorization"] = authorization
        request.headers["Content-Type"] = content_type
        if _NOTHING_TO_QUOTE.fullmatch(path):
            request.url = self._base_url + path + ("?" + urlencode(query) if query else "")
        else:
            request.prepare_url(self._base_url + path, query)
        if body is not None or method != "GET":
            request.prepare_body(body, None)
        return request

    def send(self, request: requests.PreparedRequest) -> tuple[requests.Response, bytes]:
        """Send a request, without following where it is sent on to; return the answer and its body.

        :raises requests.RequestException: when there is no answer, or not all of it.
        """
        with self._session.send(request, timeout=self._timeout, allow_redirects=False, **self._options) as response:
            return response, b"".join(response.iter_content(_PIECE))


class _OneHost(requests.adapters.HTTPAdapter):
    """Looks for the pool of connections to the host once, not for every request."""

    # What requests passes on is none of our business.
    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> Any:
        """Return the pool of connections."""
        if not hasattr(self, "_pool"):
            self._pool = super().get_connection_with_tls_context(*args, **options)
        return self._pool
