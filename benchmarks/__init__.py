"""How fast the service is, beside an app that only hands out the same bytes. Measured when asked, never in a test."""
