"""A secret in every form in which it could come out, by the form's name: what is searched for in what the bridge says."""

import base64
import urllib.parse


def forms_of_bytes(secret):
    """As bytes are written down."""
    return {"in base64": base64.b64encode(secret).decode(), "in base64 for URLs": base64.urlsafe_b64encode(secret).decode(),
            "hexadecimal": secret.hex(), "hexadecimal, large": secret.hex().upper()}


def forms_of_text(text):
    """As a text is written down: as it is, escaped, or encoded for good measure."""
    return {"as issued": text, "without padding": text.rstrip("="), "in a URL": urllib.parse.quote(text, safe=""),
            "escaped by JSON": text.replace("/", "\\/"), "twice encoded": base64.b64encode(text.encode()).decode()}


def forms_of_key(key):
    """Of one that is issued in base64."""
    return {**forms_of_bytes(base64.b64decode(key)), **forms_of_text(key)}


def forms_of_nkey(seed):
    """Of NATS: base32 of two bytes, the seed proper and a checksum."""
    padded = seed + "=" * (-len(seed) % 8)
    return {**forms_of_bytes(base64.b32decode(padded)[2:34]), **forms_of_text(seed)}


def forms_of_login(user, password):
    """Of which the password alone is secret, and what a proxy is told of both."""
    return {**forms_of_text(password), "told to a proxy": base64.b64encode(f"{user}:{password}".encode()).decode()}
