"""Response headers that bound what a browser may do with an answer, whatever is in it.

`X-Content-Type-Options` forbids guessing a type. `Referrer-Policy` keeps the addresses read here, which say what a
reader looks for, from the pages that a link leads to. The Content Security Policy of an answer that is no page allows
nothing; pages send their own. `Cross-Origin-Resource-Policy` says that other sites may load what anyone may read, also
those that isolate themselves (COEP).

There is no `sandbox` in the policy: a document that may load, run and submit nothing is inert without it, and browsers'
viewers of JSON and text run in the document that they show.
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
    """The headers that are to be added to an answer with these.

    A 304 gets none: its headers replace those of the copy that a client has (RFC 9111 §3.2), and the strict policy
    would take a stored page's own away.
    """
    if status == 304:
        return ()
    return OF_EVERY_ANSWER if POLICY in dict(headers) else OF_NO_PAGE
