"""SendPulse (sendpulse.com), REST API for bulk e-mail, SMTP and account, as its documents and clients describe it."""
