"""Three hosts, each with a network of its own, and nothing but a bridge between them."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.conftest import below
from tests.cluster.machines import cluster, make_certificates, s3_store, wait_until
from tests.conftest import ROOT, SAMPLES

HOSTS = {"office": "10.77.31.1", "gym": "10.77.31.2", "library": "10.77.31.3"}
# A client's whole program: the command itself, then what is in the store, as digests.
CLIENT = """
import hashlib, json, os, sys
import s3fs
if sys.argv[1] == "prepare":
    system = s3fs.S3FileSystem()
    for bucket in ("photos", "clean"):
        system.mkdir(bucket)
    for photo in sys.argv[2:]:
        system.put_file(photo, "photos/2024/" + os.path.basename(photo))
else:
    from cli.main import main
    try:
        main()
    finally:
        system = s3fs.S3FileSystem()
        found = {key: hashlib.sha256(system.cat_file(key)).hexdigest() for key in system.find("clean/2024")}
        print("IN THE STORE", json.dumps(found))
"""


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def inside(host: str) -> tuple[str, ...]:
    return ("ip", "netns", "exec", f"{os.getpid()}-{host}")


@pytest.fixture
def hosts() -> Iterator[None]:
    """Make three network namespaces joined by a bridge in a fourth."""
    if shutil.which("ip") is None or os.name != "posix":
        pytest.skip("network namespaces are made with the command ip, which is not there")
    bridge, spaces = f"{os.getpid()}-bridge", [f"{os.getpid()}-{host}" for host in HOSTS]
    try:
        ip("netns", "add", bridge)
        ip("-n", bridge, "link", "add", "br0", "type", "bridge")
        ip("-n", bridge, "link", "set", "br0", "up")
        for n, (space, address) in enumerate(zip(spaces, HOSTS.values(), strict=True)):
            ip("netns", "add", space)
            ip("link", "add", f"v{n}", "netns", bridge, "type", "veth", "peer", "name", "eth0", "netns", space)
            ip("-n", bridge, "link", "set", f"v{n}", "master", "br0", "up")
            ip("-n", space, "addr", "add", f"{address}/24", "dev", "eth0")
            ip("-n", space, "link", "set", "eth0", "up")
            ip("-n", space, "link", "set", "lo", "up")
        yield
    except subprocess.CalledProcessError as error:
        pytest.skip(f"network namespaces are not allowed here: {error.stderr.decode().strip()}")
    finally:
        for space in (*spaces, bridge):
            with contextlib.suppress(subprocess.CalledProcessError):
                ip("netns", "del", space)


def test_three_hosts_with_tls_publish_what_one_machine_does(hosts: None, tmp_path: Path) -> None:
    tls = make_certificates(tmp_path / "tls", *HOSTS.values())
    script = tmp_path / "client.py"
    script.write_text(CLIENT)
    photos = [str(SAMPLES / "event" / name) for name in ("event_05_two.jpg", "event_09_one.jpg")]
    office = inside("office")
    with s3_store(tmp_path, HOSTS["office"], office) as store:
        keys = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}
        env = {**keys, "AWS_ENDPOINT_URL": store}

        def client(*words: str) -> subprocess.CompletedProcess[str]:
            told = {**os.environ, **env, "PYTHONPATH": str(ROOT)}
            command = [*office, sys.executable, str(script), *words]
            return subprocess.run(command, env=told, capture_output=True, text=True, timeout=180)

        wait_until(lambda: client("prepare", *photos).returncode == 0, "the store is filled")
        with cluster(tmp_path / "cluster", tls, host=HOSTS["office"], env=env, scheduler_prefix=office) as machines:
            for host in ("gym", "library"):
                machines.start_worker(host, "--no-nanny", host=HOSTS[host], prefix=inside(host))
            common = ["clean", "s3://photos/2024", "-o", "s3://clean/2024", "--no-recognition"]
            common += ["--names", "keep", "--school", str(tmp_path / "school.imgguard")]
            refused = client(*common, "--scheduler", f"tcp://{HOSTS['office']}:{machines.port}")
            assert refused.returncode != 0 and "neither TLS nor on this computer" in refused.stderr
            files = ["--tls-ca", str(tls.ca), "--tls-cert", str(tls.cert), "--tls-key", str(tls.key)]
            done = client(*common, "--scheduler", machines.address, *files)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.partition("IN THE STORE ")[2])
    assert found == {f"clean/2024/{name}": digest for name, digest in here(photos, common, tmp_path).items()}


def here(photos: list[str], common: list[str], folder: Path) -> dict[str, str]:
    """Clean the same photos with the same command on this computer alone; gives the digests of what comes out."""
    (folder / "photos").mkdir()
    for photo in photos:
        shutil.copy(photo, folder / "photos")
    told = ["clean", str(folder / "photos"), "-o", str(folder / "out"), *common[4:-1], str(folder / "own.imgguard")]
    command = [sys.executable, "-c", "from cli.main import main; main()", *told]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    return {name: hashlib.sha256(content).hexdigest() for name, content in below(folder / "out").items()}
