"""An authority for certificates on a server itself: Caddy's own, which asks for proof like a public one."""

import socket
import ssl

from machine_world import Server

FOLDER = "/opt/test-ca"
DIRECTORY = "https://localhost:9443/acme/local/directory"
CADDYFILE = f"""{{
	admin off
	http_port 8088
	https_port 9443
	skip_install_trust
	storage file_system {FOLDER}/data
}}
https://localhost:9443 {{
	tls internal
	acme_server
}}
"""
ROOT = f"{FOLDER}/data/pki/authorities/local/root.crt"
START = f"""set -e
mkdir -p {FOLDER}
cat > {FOLDER}/Caddyfile
echo "127.0.0.1 $NAMES" >> /etc/hosts
systemd-run --quiet --unit=test-ca -E HOME={FOLDER} caddy run --config {FOLDER}/Caddyfile --adapter caddyfile
for attempt in $(seq 600); do test -s {ROOT} && break; sleep 0.1; done
chmod -R a+rX {FOLDER}
sed -i '0,/admin off/s||admin off\\n\\tacme_ca {DIRECTORY}\\n\\tacme_ca_root {ROOT}|' /etc/caddy/Caddyfile
systemctl restart caddy
cat {ROOT}
"""


def start(server: Server, name: str) -> ssl.SSLContext:
    """Start it, where `name` leads to the server, and let the server's Caddy ask it instead of a public one.

    Gives what trusts this authority and no other.
    """
    root = server.run(START.replace("$NAMES", name), stdin=CADDYFILE).stdout
    return ssl.create_default_context(cadata=root)


def page(server: Server, name: str, trust: ssl.SSLContext) -> str:
    """Ask for / by HTTPS; raises SSLError when there is no certificate that is trusted."""
    connection = socket.create_connection((server.address, 443), timeout=60)
    with trust.wrap_socket(connection, server_hostname=name) as wrapped:
        wrapped.sendall(f"GET / HTTP/1.1\r\nhost: {name}\r\nconnection: close\r\n\r\n".encode())
        with wrapped.makefile("rb") as answer:
            return answer.read().decode()
