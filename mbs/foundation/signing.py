"""Small values signed for whoever brings them back: cookies, refresh tokens, challenges."""

import base64
import hmac

MAC_BYTES = 32


class Signer:
    """Signs with a secret; verifies with it and with the one being retired.

    :param purpose: what the values are for, a part of the key: a value for one purpose is none for another.
    """

    def __init__(self, secret: str, previous: str | None, purpose: str) -> None:
        secrets = [secret, previous] if previous else [secret]
        self._keys = [hmac.digest(one.encode(), purpose.encode(), "sha256") for one in secrets]

    def sign(self, value: bytes) -> str:
        """Return a value with its signature, in letters that a URL, a header and a cookie let pass."""
        return _base64(value + hmac.digest(self._keys[0], value, "sha256"))

    def verify(self, text: str) -> bytes | None:
        """Return the value of a signed text, or None when it was not signed here for this purpose."""
        try:
            data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except ValueError:
            return None
        value, mac = data[:-MAC_BYTES], data[-MAC_BYTES:]
        # Base64 has several spellings of one value; only ours counts.
        if _base64(data) != text:
            return None
        fits = [hmac.compare_digest(mac, hmac.digest(key, value, "sha256")) for key in self._keys]
        return value if any(fits) else None


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
