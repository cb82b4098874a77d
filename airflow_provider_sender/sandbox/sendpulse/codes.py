"""The vendor's table of error codes, with its texts, and the HTTP status each comes with here.

The table has no statuses. Those of a few codes are in the published OpenAPI files; the rest come as 422, which
those files have for everything that is wrong with what was sent.
"""

from __future__ import annotations

import msgspec

INVALID = 422
TOO_FAST = 2020202020
TARIFF = 3030303030


class Code(msgspec.Struct, frozen=True):
    """One error."""

    text: str
    status: int = 422


CODES: dict[int, Code] = {
    8: Code("No data"),
    10: Code("Sender email address missing"),
    11: Code("Can't find recipients addresses"),
    12: Code("Empty subject field"),
    13: Code("Empty email message content field"),
    14: Code("Can't find email address with the specified ID", 400),
    17: Code("Can't find the email address", 404),
    19: Code("Email address already exists"),
    20: Code("Using free email services (not allowed)"),
    21: Code("No such email address awaiting activation"),
    31: Code("Template not found", 404),
    97: Code("Invalid email address type. Using free email services is not allowed."),
    201: Code("Empty mailing list name"),
    203: Code("This mailing list name already exists"),
    211: Code("Mailing list empty"),
    213: Code("Mailing list not found", 404),
    290: Code("Template not found", 404),
    299: Code("Invalid variable"),
    303: Code("Can't find email addresses in the mailing list"),
    400: Code("Specified SMTP user doesn't exist. Create an SMTP account.", 400),
    401: Code("Unauthorized!", 401),
    INVALID: Code("The given data was invalid."),
    502: Code("Can't find the email address"),
    550: Code("Too many recipients"),
    573: Code("Template name already exists"),
    602: Code("Can't find the campaign. Probably, it has already been sent."),
    701: Code("Sender email address or name not specified."),
    703: Code("Can't find the mailing list"),
    704: Code("Can't find the sender"),
    707: Code("Account balance depleted"),
    708: Code("The number of campaign recipients exceeds your current pricing plan limits"),
    720: Code("Empty subject field"),
    721: Code("Email message empty"),
    722: Code("Mailing list ID not specified"),
    791: Code("API-campaigns limit exceeded (4 per hour)"),
    799: Code("Incorrect date format. Use YYYY-MM-DD hh:ii:ss that equals or greater than the current date"),
    800: Code("Invalid operation"),
    802: Code("Campaign not found", 404),
    901: Code("Sender name not specified"),
    902: Code("Selected email address already in use"),
    903: Code("Sender email address not specified"),
    904: Code("Email address blacklisted"),
    906: Code("Email address syntax error"),
    1003: Code("The specified sender doesn't exist"),
    1004: Code("The activation code has been sent. Wait 15 minutes to retry"),
    1101: Code("Email address not specified"),
    1104: Code("Activation code not specified"),
    2900: Code("Templates of the layout editor can not be edited"),
    TOO_FAST: Code("More than 10 requests per second", 429),
    TARIFF: Code("Change your tariff plan", 403),
}
