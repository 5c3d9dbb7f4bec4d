"""Decodes LaTeX in fields of BibTeX: accents, symbols, braces; superscripts and subscripts become tags for `plain`."""

import re
from functools import cache

from pylatexenc.latex2text import LatexNodes2Text

_PERCENT = re.compile(r"(?<!\\)%")
_SCRIPTS = (
    (re.compile(r"\\textsuperscript\s*\{([^{}]*)\}|\$\^\{?([^{}$]*?)\}?\$"), "sup"),
    (re.compile(r"\\textsubscript\s*\{([^{}]*)\}|\$_\{?([^{}$]*?)\}?\$"), "sub"),
)
_MATHEMATICAL = re.compile(r"\$([^$]*)\$")
_IN_MATHEMATICAL = re.compile(r"([\^_])(?:\{([^{}]*)\}|(\\[A-Za-z]+|\S))")
_ESCAPED = re.compile(r"\\([_&%#${}~^<>])")
_COMMAND = re.compile(r"\\(?:url|href|nolinkurl|path|doi)\s*(?=\{)")
_ANGLE = {r"\textless": "<", r"\textgreater": ">", r"\_": "_", r"\textunderscore": "_"}


@cache
def _decoder() -> LatexNodes2Text:
    return LatexNodes2Text(math_mode="text", keep_comments=True, strict_latex_spaces=False)


def _script(found: re.Match[str], tag: str) -> str:
    return f"<{tag}>{next(filter(None, found.groups()), '')}</{tag}>"


def _formula(found: re.Match[str]) -> str:
    def marked(script: re.Match[str]) -> str:
        tag = "sup" if script[1] == "^" else "sub"
        return f"<{tag}>{script[2] or script[3]}</{tag}>"

    return f"${_IN_MATHEMATICAL.sub(marked, found[1])}$"


def decode(text: str) -> str:
    """The text of a field without LaTeX. A percent sign that nobody escaped is kept: it begins no comment here."""
    if not any(sign in text for sign in "\\{}$%~-`'"):
        return text
    text = _PERCENT.sub(r"\\%", text)
    for pattern, tag in _SCRIPTS:
        text = pattern.sub(lambda found, tag=tag: _script(found, tag), text)  # type: ignore[misc]
    return str(_decoder().latex_to_text(_MATHEMATICAL.sub(_formula, text)))


def bare(text: str) -> str:
    """A DOI, an address or a number without braces and the escapes that some tools put into it."""
    text = _COMMAND.sub("", text)
    for command, sign in _ANGLE.items():
        text = text.replace(command + "{}", sign).replace(command, sign)
    return _ESCAPED.sub(r"\1", text.replace("{", "").replace("}", "")).strip()
