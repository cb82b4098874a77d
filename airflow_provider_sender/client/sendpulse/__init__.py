"""SendPulse (sendpulse.com): its calls, how it says things, and the port on top of them."""
