"""A folder of this computer behind SSH and SFTP, as another computer would serve it."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import paramiko


class _Server(paramiko.ServerInterface):
    def check_auth_password(self, username: str, password: str) -> int:
        return paramiko.AUTH_SUCCESSFUL if password == "let me in" else paramiko.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED


def _told(call: Callable[[], Any]) -> Any:
    try:
        found = call()
    except OSError as error:
        return paramiko.SFTPServer.convert_errno(error.errno)
    return paramiko.SFTP_OK if found is None else found


def _replace(old: str, new: str) -> None:
    Path(old).replace(new)


class _Files(paramiko.SFTPServerInterface):
    """Serves files by their own paths; renames as OpenSSH does: never over a file, unless asked by `posix-rename`."""

    def list_folder(self, path: str) -> Any:
        def entries() -> list[paramiko.SFTPAttributes]:
            return [
                paramiko.SFTPAttributes.from_stat(one.stat(follow_symlinks=False), one.name) for one in os.scandir(path)
            ]

        return _told(entries)

    def stat(self, path: str) -> Any:
        return _told(lambda: paramiko.SFTPAttributes.from_stat(Path(path).stat()))

    def lstat(self, path: str) -> Any:
        return _told(lambda: paramiko.SFTPAttributes.from_stat(Path(path).lstat()))

    def open(self, path: str, flags: int, attr: object) -> Any:
        def handle() -> paramiko.SFTPHandle:
            made = paramiko.SFTPHandle(flags)
            stream = os.fdopen(os.open(path, flags, 0o666), "r+b" if flags & (os.O_WRONLY | os.O_RDWR) else "rb")
            made.readfile = made.writefile = stream
            return made

        return _told(handle)

    def remove(self, path: str) -> Any:
        return _told(lambda: Path(path).unlink())

    def rename(self, oldpath: str, newpath: str) -> Any:
        def moved() -> None:
            os.link(oldpath, newpath)
            Path(oldpath).unlink()

        return _told(moved)

    def posix_rename(self, oldpath: str, newpath: str) -> Any:
        return _told(lambda: _replace(oldpath, newpath))

    def mkdir(self, path: str, attr: object) -> Any:
        return _told(lambda: Path(path).mkdir())


def _serve(listener: socket.socket, key: paramiko.PKey) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection, _ = listener.accept()
            transport = paramiko.Transport(connection)
            transport.add_server_key(key)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _Files)
            with contextlib.suppress(paramiko.SSHException, EOFError):
                transport.start_server(server=_Server())


@contextlib.contextmanager
def sftp_server(home: Path, *, is_known: bool = True) -> Iterator[str]:
    """Serve; gives the address of the computer, whose key is written to the known hosts of a home folder."""
    key = paramiko.ECDSAKey.generate()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        (home / ".ssh").mkdir(parents=True)
        known = f"[127.0.0.1]:{port} {key.get_name()} {key.get_base64()}\n"
        (home / ".ssh" / "known_hosts").write_text(known if is_known else "")
        threading.Thread(target=_serve, args=(listener, key), daemon=True).start()
        yield f"sftp://me@127.0.0.1:{port}"
        listener.shutdown(socket.SHUT_RDWR)
