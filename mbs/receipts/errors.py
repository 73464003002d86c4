"""What is refused of what calls itself a provider."""

from mbs.foundation.errors import Forbidden


class SignatureRefused(Forbidden):
    code = "SIGNATURE_REFUSED"
    sentence = (
        "Only providers of messages call this, and sign it; this is unsigned, signed wrongly or too old."
    )
