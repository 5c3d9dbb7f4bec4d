"""How fast the service is, beside an ASGI app that only hands out the same bytes. Measured on demand, never in a test."""
