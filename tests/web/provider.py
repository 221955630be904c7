"""An OpenID Connect provider on a free port: asks who one is, on a page of its own, and signs what it tells."""

import base64
import contextlib
import hashlib
import html
import http.server
import json
import secrets
import subprocess
import tempfile
import threading
import time
import urllib.parse
from pathlib import Path

CLIENT, SECRET = "lovage", "what only lovage knows"


def encoded(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


class Key:
    def __init__(self, folder: Path) -> None:
        self.file = str(folder / "key.pem")
        self.openssl("genrsa", "-out", self.file, "2048")
        modulus = self.openssl("rsa", "-in", self.file, "-noout", "-modulus").decode().strip().partition("=")[2]
        self.jwk = {"kty": "RSA", "kid": "one", "n": encoded(bytes.fromhex(modulus)), "e": "AQAB"}

    @staticmethod
    def openssl(*words: str, given: bytes = b"") -> bytes:
        return subprocess.run(["openssl", *words], input=given, capture_output=True, check=True).stdout

    def token(self, claims: dict) -> str:
        text = ".".join(encoded(json.dumps(part).encode()) for part in ({"alg": "RS256", "kid": "one"}, claims))
        return text + "." + encoded(self.openssl("dgst", "-sha256", "-sign", self.file, given=text.encode()))


class _Provider(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        asked = dict(urllib.parse.parse_qsl(query))
        here = self.server.issuer
        if path == "/.well-known/openid-configuration":
            self.say_json({"issuer": here, "authorization_endpoint": here + "/auth", "token_endpoint": here + "/token", "jwks_uri": here + "/keys"})
        elif path == "/keys":
            self.say_json({"keys": [self.server.key.jwk]})
        elif path == "/auth":
            kept = "".join(f'<input type="hidden" name="{html.escape(k)}" value="{html.escape(v)}">' for k, v in asked.items())
            self.say(200, f'<title>Who are you?</title><form action="/said">{kept}<label>E-mail <input name="email"></label><button>Go on</button></form>',
                     "text/html")  # fmt: skip
        elif path == "/said":
            code = secrets.token_urlsafe()
            self.server.codes[code] = asked
            self.go(asked["redirect_uri"] + "?" + urllib.parse.urlencode({"code": code, "state": asked["state"]}))
        else:
            self.say(404, "there is no such page")

    def do_POST(self) -> None:
        form = dict(urllib.parse.parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        asked = self.server.codes.pop(form.get("code"), None)  # good once
        whole = f"{urllib.parse.quote(CLIENT, safe='')}:{urllib.parse.quote(SECRET, safe='')}"
        known = self.headers.get("Authorization") == "Basic " + base64.b64encode(whole.encode()).decode()
        if not asked or not known or form["redirect_uri"] != asked["redirect_uri"]:
            return self.say_json({"error": "invalid_grant"}, 400)
        if encoded(hashlib.sha256(form["code_verifier"].encode()).digest()) != asked["code_challenge"]:
            return self.say_json({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {"iss": self.server.issuer, "aud": CLIENT, "sub": "7", "iat": now, "exp": now + 300, "nonce": asked["nonce"],
                  "email": asked["email"], "email_verified": True}  # fmt: skip
        return self.say_json({"id_token": self.server.key.token(claims), "token_type": "Bearer", "access_token": "none"})

    def go(self, where: str) -> None:
        self.send_response(302)
        self.send_header("Location", where)
        self.end_headers()

    def say_json(self, what: dict, status: int = 200) -> None:
        self.say(status, json.dumps(what), "application/json")

    def say(self, status: int, text: str, kind: str = "text/plain") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind + "; charset=utf-8")
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_) -> None:
        pass


@contextlib.contextmanager
def provider():
    """Gives the issuer's address. Whoever names an e-mail address is believed."""
    with tempfile.TemporaryDirectory() as folder, http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Provider) as server:
        server.daemon_threads = True
        server.key, server.codes = Key(Path(folder)), {}
        server.issuer = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.issuer
        finally:
            server.shutdown()
