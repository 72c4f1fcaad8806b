"""To whom a client speaks: over TLS, or on this computer alone."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from imgguard.errors import SetupError

if TYPE_CHECKING:
    from distributed import Security


@dataclass(frozen=True, slots=True)
class Tls:
    """The files of TLS; what is not given is taken from Dask's own settings.

    Attributes:
        ca: Certificate of the authority that signs for this cluster and nothing else.
        cert: The client's certificate, signed by it.
        key: The private key of that certificate.
    """

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None


def check_address(address: str) -> None:
    """Make sure that what is sent to an address can be read by nobody on the way.

    Raises:
        SetupError: for anything but TLS, or plain TCP to this computer itself.
    """
    parts = urlsplit(address)
    if parts.scheme == "tls" and parts.hostname:
        return
    if parts.scheme == "tcp" and _is_here(parts.hostname or ""):
        return
    raise SetupError(
        f"{address}: is neither TLS nor on this computer, so anybody on the way could read along",
        "Start scheduler and workers with TLS (docs/cluster.md) and give the address as tls://HOST:8786.",
    )


def security(address: str, tls: Tls) -> Security:
    """Give what Dask needs for an address.

    Raises:
        SetupError: if the address is not safe, or files of TLS are missing.
    """
    from distributed import Security

    check_address(address)
    given = {"tls_ca_file": tls.ca, "tls_client_cert": tls.cert, "tls_client_key": tls.key}
    for path in filter(None, given.values()):
        if not path.is_file():
            raise SetupError(f"{path}: there is no such file", "Give the files of TLS (docs/cluster.md).")
    if urlsplit(address).scheme == "tcp":
        return Security(require_encryption=False)
    told = Security(require_encryption=True, **{name: str(path) for name, path in given.items() if path})
    if not (told.tls_ca_file and told.tls_client_cert):
        raise SetupError(
            f"{address}: the files of TLS are missing", "Give --tls-ca, --tls-cert and --tls-key (docs/cluster.md)."
        )
    return told


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
