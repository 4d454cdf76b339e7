"""The settings file of an embedded PostgreSQL. It lies outside the data, where the server's user cannot write."""

import os
from collections.abc import Mapping
from pathlib import Path

SOCKET_PATH_LIMIT_BYTES = 107
_LONGEST_SOCKET_NAME = ".s.PGSQL.65535.lock"
DEFAULTS: Mapping[str, str] = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "120",
    "password_encryption": "scram-sha-256",
    "shared_buffers": "64MB",
    "dynamic_shared_memory_type": "posix",
    "fsync": "on",
    "full_page_writes": "on",
    "wal_level": "logical",
    "max_wal_size": "512MB",
    "max_slot_wal_keep_size": "1GB",
    "max_replication_slots": "10",
    "max_wal_senders": "10",
    "autovacuum_max_workers": "2",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_destination": "stderr",
    "logging_collector": "off",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    # A statement that fails can hold a password (ALTER ROLE ... PASSWORD): the log keeps the error, not the text.
    "log_min_error_statement": "panic",
    "log_parameter_max_length_on_error": "0",
    "log_statement": "none",
    "log_checkpoints": "off",
}
_SINCE = {"io_method": 18}
_NEWER: Mapping[str, str] = {"io_method": "sync"}  # three io workers less, on a machine that serves one app


def render(*, major: int, port: int, socket_folder: Path | None, extra: Mapping[str, str]) -> str:
    """Write the file: what initdb found out about this machine first, then ours, then `extra`."""
    values = {
        **DEFAULTS,
        **{name: value for name, value in _NEWER.items() if major >= _SINCE[name]},
        "port": str(port),
        "unix_socket_directories": str(socket_folder) if socket_folder else "",
        **extra,
    }
    lines = [f"{name} = {_quoted(value)}" for name, value in values.items()]
    return "\n".join(["# Written by Freehold at every start.", "include 'data/postgresql.conf'", *lines, ""])


def socket_folder_fits(folder: Path) -> bool:
    """Whether PostgreSQL can make its socket there: the kernel limits the path's length, and a comma would end it."""
    return len(os.fsencode(folder / _LONGEST_SOCKET_NAME)) <= SOCKET_PATH_LIMIT_BYTES and "," not in str(folder)


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
