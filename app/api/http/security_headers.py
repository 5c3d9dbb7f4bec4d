"""Security headers, which bound what a browser may do with a response whatever its content is.

`X-Content-Type-Options` forbids guessing a media type. `Referrer-Policy` hides the addresses of this service, which
tell what a reader looks for, from the pages that a link leads to. The Content Security Policy of a response that is no
HTML page allows nothing; pages send a policy of their own. `Cross-Origin-Resource-Policy` lets other sites load what
anyone may read, even sites that isolate themselves (COEP).

The policy has no `sandbox`: a document that may load, run and submit nothing is inert without it, and the viewers of
browsers for JSON and text run in the document that they show.
"""

from collections.abc import Iterable

POLICY = b"content-security-policy"
STRICTEST = b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

OF_EVERY_ANSWER = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"cross-origin"),
)
OF_NO_PAGE = (*OF_EVERY_ANSWER, (POLICY, STRICTEST))
NAMES = frozenset(name for name, _ in OF_NO_PAGE)


def security_headers(status: int, headers: Iterable[tuple[bytes, bytes]]) -> tuple[tuple[bytes, bytes], ...]:
    """Return the security headers to add to a response with a status and headers.

    A 304 gets none: its headers replace those of the client's stored response (RFC 9111 §3.2), so the strict policy
    would replace a stored page's own.
    """
    if status == 304:
        return ()
    return OF_EVERY_ANSWER if POLICY in dict(headers) else OF_NO_PAGE
