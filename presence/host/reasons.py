"""
Why a request failed, in words for the log.

Nothing that the other side sent is among them: it may have sent the token back.
"""

from __future__ import annotations

from OpenSSL.SSL import Error as TlsError
from service_identity import VerificationError
from twisted.internet import error

from presence.host.answers import TooLarge

_DISTRUSTED = "it has expired, or its authority is not trusted"


def describe(problem: BaseException | None, remedy: str) -> str:
    """
    Return why a request failed, without anything that came over the wire.

    :param remedy: What helps when the authority of a certificate is not trusted.
    """
    problem = _cause(problem)
    name = type(problem).__name__
    if isinstance(problem, VerificationError):
        return f"{name}: the certificate is not for {_wanted(problem)}"
    if isinstance(problem, TlsError):
        return f"TLS: {_said(problem, remedy) or name}"
    if isinstance(problem, TooLarge):
        return str(problem)
    if type(problem).__module__ == error.__name__:
        return f"{name}: {problem}"
    return name


def _cause(problem: BaseException | None) -> BaseException | None:
    # A request whose connection broke fails with the list of what broke it.
    reasons = getattr(problem, "reasons", None)
    return _cause(reasons[0].value) if reasons else problem


def _wanted(problem: VerificationError) -> str:
    return ", ".join(str(mismatch.mismatched_id) for mismatch in problem.errors)


def _said(problem: TlsError, remedy: str) -> str:
    # OpenSSL's errors are triples of library, function and reason; why it does not like a
    # certificate is not among them.
    stack = problem.args[0] if problem.args else ()
    said = ", ".join(entry[-1] for entry in stack)
    return f"{said} ({_DISTRUSTED}: {remedy})" if "certificate verify failed" in said else said
