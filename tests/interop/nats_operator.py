"""A NATS server's operator, accounts and users, as `nsc` makes them: keys, the tokens that they sign, and the files
that hold them. https://docs.nats.io/running-a-nats-service/configuration/securing_nats/auth_intro/jwt"""

import base64
import hashlib
import json
import pathlib
import subprocess
import time

SEED, OPERATOR, ACCOUNT, USER = 18 << 3, 14 << 3, 0, 20 << 3
UNLIMITED = {"wildcards": True, **dict.fromkeys(("subs", "data", "payload", "imports", "exports", "conn", "leaf"), -1)}
WITH_JETSTREAM = {**UNLIMITED, **dict.fromkeys(("mem_storage", "disk_storage", "streams", "consumer"), -1)}


def crc16(content):
    remainder = 0
    for byte in content:
        remainder ^= byte << 8
        for _ in range(8):
            remainder = (remainder << 1 ^ (0x1021 if remainder & 0x8000 else 0)) & 0xFFFF
    return remainder.to_bytes(2, "little")


def base32(content):
    return base64.b32encode(content + crc16(content)).decode().rstrip("=")


def base64url(content):
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


class Key:
    """An Ed25519 key of a `kind`, kept in `folder`."""

    def __init__(self, folder, name, kind):
        self._pem = pathlib.Path(folder, f"{name}.pem")
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", self._pem], check=True)
        secret, public = (subprocess.run(["openssl", "pkey", "-in", self._pem, "-outform", "DER", *options],
                                         check=True, capture_output=True).stdout[-32:] for options in ([], ["-pubout"]))
        self.public = base32(bytes([kind]) + public)
        self.seed = base32(bytes([SEED | kind >> 5, (kind & 31) << 3]) + secret)

    def sign(self, text):
        content, signature = self._pem.with_suffix(".text"), self._pem.with_suffix(".signature")
        content.write_bytes(text.encode())
        subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", self._pem, "-in", content,
                        "-out", signature], check=True)
        return base64url(signature.read_bytes())

    def token(self, about, name, **claims):
        """A JWT about the key `about`."""
        body = {"iat": int(time.time()), "iss": self.public, "sub": about.public, "name": name,
                "nats": {"version": 2, **claims}}
        body["jti"] = hashlib.sha256(json.dumps(body).encode()).hexdigest()
        parts = ({"typ": "JWT", "alg": "ed25519-nkey"}, body)
        text = ".".join(base64url(json.dumps(part).encode()) for part in parts)
        return f"{text}.{self.sign(text)}"


def make(folder):
    """The configuration of a server, and the credentials file of a user who may do everything with JetStream."""
    operator, system, account, user = (Key(folder, name, kind) for name, kind in (
        ("operator", OPERATOR), ("system", ACCOUNT), ("account", ACCOUNT), ("user", USER)))
    preloaded = {system.public: operator.token(system, "system", type="account", limits=UNLIMITED),
                 account.public: operator.token(account, "account", type="account", limits=WITH_JETSTREAM)}
    configuration = \
        f"operator: {operator.token(operator, 'operator', type='operator', system_account=system.public)}\n" \
        f"system_account: {system.public}\nresolver: MEMORY\nresolver_preload: {json.dumps(preloaded)}\n"
    credentials = pathlib.Path(folder, "user.creds")
    token = account.token(user, "user", type="user", subs=-1, data=-1, payload=-1)
    credentials.touch(0o600)
    credentials.write_text(
        f"-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{user.seed}\n------END USER NKEY SEED------\n", encoding="utf-8")
    return configuration, credentials
