"""Know the computers that photos are fetched from over SFTP: a stranger's key is refused, as ssh would ask about it."""

from __future__ import annotations

from pathlib import Path

import paramiko


class KnownHosts(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]
    """Accepts a computer only by the key that `known_hosts` has of it; fsspec by itself would accept any."""

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        """Compare a key with the user's own list.

        Raises:
            paramiko.SSHException: if it is not there.
        """
        file = Path.home() / ".ssh" / "known_hosts"
        known = paramiko.HostKeys(str(file)) if file.is_file() else paramiko.HostKeys()
        if not known.check(hostname, key):
            raise paramiko.SSHException(f"the key of {hostname} is not in {file}; connect to it once with ssh")
