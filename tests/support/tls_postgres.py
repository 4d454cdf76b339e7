"""A PostgreSQL of the tests that speaks TLS for a while, with a certificate of its own for 127.0.0.1."""

import contextlib
import datetime as dt
import ipaddress
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from freehold.core.secret import Secret


@contextlib.contextmanager
def speaking_tls(superuser_dsn: str, folder_of_client: Path) -> Iterator[Path]:
    """Let a server speak TLS; gives the certificate that a client trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    with psycopg.connect(superuser_dsn, autocommit=True) as admin:
        row = admin.execute("show data_directory").fetchone()
        folder = Path(str(row[0] if row else ""))
        (folder / "test.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
        (folder / "test.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        owner = folder.stat()
        for file in (folder / "test.crt", folder / "test.key"):
            file.chmod(0o600)
            shutil.chown(file, owner.st_uid, owner.st_gid)
        for setting in ("ssl_cert_file = 'test.crt'", "ssl_key_file = 'test.key'", "ssl = on"):
            admin.execute(f"alter system set {setting}".encode())
        admin.execute("select pg_reload_conf()")
        trusted = folder_of_client / "trusted.crt"
        trusted.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        try:
            yield trusted
        finally:
            for name_of in ("ssl", "ssl_cert_file", "ssl_key_file"):
                admin.execute(f"alter system reset {name_of}".encode())
            admin.execute("select pg_reload_conf()")


def until_tls(dsn: Secret) -> None:
    for _ in range(300):
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(dsn.reveal()):
            return
        time.sleep(0.1)
    pytest.fail("the server does not speak TLS")
