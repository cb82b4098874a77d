"""What it means that no answer came: whether the service can have done anything, and whether to try again.

A call that must not be made twice may be made again only when it is certain that nothing of it reached the service. A
connection that was never made is that certain; one that broke, or an answer that is late, is not.
"""

from __future__ import annotations

import ssl
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError

from airflow_provider_sender.client.errors import ConfigurationError, SenderError, ServiceFailureError
from airflow_provider_sender.client.request import Request
from airflow_provider_sender.client.settings import Settings


def error_without_answer(
    request: Request, error: requests.RequestException, *, service: str, settings: Settings
) -> SenderError:
    """Return the error of a call that nothing came back from.

    :param error: what requests raised. It is not quoted: its text holds the call's full address.
    :param service: the service's name.
    :param settings: how it was to be reached.
    """
    if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema):
        return ConfigurationError("The connection's host is not an address requests can be sent to.")
    if isinstance(error, requests.exceptions.SSLError):
        # Only of a refused certificate is it certain that nothing was sent yet; TLS can break later as well.
        is_refused = isinstance(_cause(_cause(error)), ssl.SSLCertVerificationError)
        reason, certain, again = "no safe connection (TLS) could be made", is_refused, not is_refused
    elif _never_connected(error):
        reason, certain, again = "no connection could be made", True, True
    elif isinstance(error, requests.Timeout):
        reason, certain, again = f"no answer within {settings.timeout:.0f} s", False, True
    else:
        reason, certain, again = "the connection broke before the whole answer was there", False, True
    host = urlsplit(settings.base_url).hostname
    return ServiceFailureError(
        f"{service} at {host} could not be reached: {reason}.",
        method=request.method,
        path=request.path,
        retryable=again,
        nothing_done=certain,
    )


def _never_connected(error: requests.RequestException) -> bool:
    if isinstance(error, requests.ConnectTimeout | requests.exceptions.ProxyError):
        return True
    return isinstance(_cause(error), NewConnectionError | ConnectTimeoutError)


def _cause(error: object) -> object:
    """Return what an error of requests or urllib3 was made of."""
    cause = error.args[0] if isinstance(error, Exception) and error.args else None
    return cause.reason if isinstance(cause, MaxRetryError) else cause
