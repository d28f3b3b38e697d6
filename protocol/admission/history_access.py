"""Whose history a request may see; pure.

Rules kept here:

* A sender sees what is kept for its own user. Without keys that is the one local user.
* An operator sees everybody's, and what no user is known of.
"""

from protocol.admission.identity import operator_refusal
from protocol.messages.identity import Identity


class NotTheirs(Exception):
    """The history of another user is wanted; the message is for the sender."""


def visible_user(identity: Identity, wanted: str | None) -> str | None:
    """Return the user whose history is shown, ``None`` for everybody's; raises ``NotTheirs``.

    ``wanted`` is the user that the request names, ``None`` if it names none.
    """
    refusal = operator_refusal(identity, "the history of other users")
    if refusal is None:
        return wanted
    if wanted not in {None, identity.user}:
        raise NotTheirs(refusal)
    return identity.user
