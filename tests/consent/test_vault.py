from __future__ import annotations

import base64
import json
import pickle
import subprocess
import sys
import textwrap
from pathlib import Path

import keyring.backends.chainer
import keyring.backends.fail
import keyring.backends.null
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from keyring.backend import KeyringBackend

from consent import Store, audit, keychain
from consent import vault as vaults
from consent.errors import RecordError, VaultError
from consent.school import make_school, open_school
from consent.templates import read_templates, save_templates
from consent.vault import Sealed, Vault, kept_in, make_key, open_vault, replace_lost, rotate, template_context
from tests.conftest import TODAY
from tests.rings import FileRing, ForgetfulRing, PlainRing, TalkativeRing, use
from tests.schools import PASSPHRASE, every_byte, reference, sample_school

VAULT = Vault(b"k" * 32, 1, "school")


@given(plain=st.binary(max_size=600), context=st.binary(max_size=80), place=st.integers(0), bit=st.integers(0, 7))
def test_what_is_sealed_opens_as_it_was_and_not_with_one_bit_changed(
    plain: bytes, context: bytes, place: int, bit: int
) -> None:
    sealed = VAULT.seal(plain, context)
    assert VAULT.unseal(sealed, context) == plain
    whole = bytearray(sealed.nonce + sealed.ciphertext)
    whole[place % len(whole)] ^= 1 << bit
    with pytest.raises(VaultError):
        VAULT.unseal(Sealed(1, bytes(whole[:12]), bytes(whole[12:])), context)


@pytest.mark.parametrize(
    "other", [Vault(b"K" * 32, 1, "school"), Vault(b"k" * 32, 2, "school"), Vault(b"k" * 32, 1, "x")]
)
def test_another_key_key_number_or_school_does_not_open_it(other: Vault) -> None:
    sealed = VAULT.seal(b"template", b"context")
    with pytest.raises(VaultError):
        other.unseal(sealed, b"context")
    with pytest.raises(VaultError):
        other.unseal(Sealed(other.key_id, sealed.nonce, sealed.ciphertext), b"context")


@given(
    one=st.tuples(st.text(max_size=8), st.text(max_size=8), st.dates()),
    other=st.tuples(st.text(max_size=8), st.text(max_size=8), st.dates()),
)
def test_no_two_templates_have_one_context(one: tuple[str, str, object], other: tuple[str, str, object]) -> None:
    assert (template_context(*one) == template_context(*other)) == (one == other)  # type: ignore[arg-type]


def test_no_nonce_comes_twice() -> None:
    assert len({VAULT.seal(b"same", b"same").nonce for _ in range(2000)}) == 2000


def test_the_keyring_has_the_key_and_the_file_does_not(tmp_path: Path, ring: FileRing) -> None:
    path = tmp_path / "school"
    store, _ = sample_school(path, "020411")
    with store:
        school = open_school(store)
        assert school is not None
        ((name, secret),) = ring.secrets().items()
        assert name == f"imgguard {school.school_id}/1"
        key = base64.b64decode(secret)
        assert len(key) == 32
        everything = every_byte(path)
        assert not [form for form in (key, key.hex().encode(), secret.encode()) if form in everything]
        assert kept_in(store) == "keyring" and open_vault(store).key_id == 1


def test_a_passphrase_opens_it_a_wrong_one_is_told_at_once_and_neither_is_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "school"
    store, _ = sample_school(path, "020411", passphrase=PASSPHRASE)
    with store:
        assert len(read_templates(store, open_vault(store, lambda: PASSPHRASE), TODAY).stored) == 1
        with pytest.raises(VaultError, match="the passphrase is wrong"):
            open_vault(store, lambda: "maple otter Lantern")
        with pytest.raises(VaultError, match="passphrase"):
            open_vault(store)
        ((parameters,),) = store.query("SELECT parameters FROM keys")
        told = json.loads(str(parameters))
        assert (told["kdf"], told["r"], told["p"]) == ("scrypt", 8, 1) and told["n"] >= 2**17
        assert len(bytes.fromhex(told["salt"])) == 16
        assert PASSPHRASE.encode() not in every_byte(path)


def test_accents_written_in_two_ways_are_one_passphrase(tmp_path: Path) -> None:
    store, _ = sample_school(tmp_path / "school", passphrase="\u00e9tang lanterne")
    with store:
        open_vault(store, lambda: "e\u0301tang lanterne")


@pytest.mark.parametrize(
    "change",
    [{"n": 2}, {"n": 2**30}, {"kdf": "md5"}, {"r": 0}, {"salt": "zz"}, {"n": "many"}, {"n": True}],
    ids=str,
)
def test_parameters_that_somebody_made_weaker_are_refused(tmp_path: Path, change: dict[str, object]) -> None:
    store, _ = sample_school(tmp_path / "school", passphrase=PASSPHRASE)
    with store:
        ((parameters,),) = store.query("SELECT parameters FROM keys")
        with store.atomic():
            store.change("UPDATE keys SET parameters = ?", (json.dumps({**json.loads(str(parameters)), **change}),))
        with pytest.raises(VaultError, match="damaged"):
            open_vault(store, lambda: PASSPHRASE)


def test_a_short_passphrase_is_refused_and_nothing_is_made(tmp_path: Path) -> None:
    with Store(tmp_path / "school") as store:
        make_school(store, "x", "strict")
        with pytest.raises(VaultError, match="shorter than 12"):
            make_key(store, lambda: "short")
        assert kept_in(store) is None


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (keyring.backends.fail.Keyring(), "no keyring that protects"),
        (keyring.backends.null.Keyring(), "no keyring that protects"),
        (PlainRing(), "no keyring that protects"),
        (ForgetfulRing(), "no key for this school"),
        (TalkativeRing(), "does not take the key"),
    ],
    ids=["fail", "null", "plain text", "forgetful", "talkative"],
)
def test_a_keyring_that_does_not_protect_the_key_is_refused_with_what_to_do(
    tmp_path: Path, ring: FileRing, bad: KeyringBackend, said: str
) -> None:
    with Store(tmp_path / "school") as store:
        make_school(store, "x", "strict")
        with use(bad), pytest.raises(VaultError, match=said) as refused:
            make_key(store)
        assert refused.value.remedy and refused.value.__cause__ is None
        assert store.query("SELECT count(*) FROM keys") == [(0,)]
        assert ring.secrets() == {}
        make_key(store)
        assert len(ring.secrets()) == 1, "the control: a keyring that protects"


def test_of_a_chain_the_best_keyring_is_used_and_never_one_in_plain_text(
    tmp_path: Path, ring: FileRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = keyring.backends.chainer.ChainerBackend()
    monkeypatch.setattr(type(chain), "backends", [PlainRing(), FileRing()])
    with use(chain):
        assert keychain.keep("one", b"k" * 32) == "tests.rings.FileRing"
    monkeypatch.setattr(type(chain), "backends", [PlainRing()])
    with use(chain), pytest.raises(VaultError):
        keychain.keep("two", b"k" * 32)


def test_a_file_has_one_key(tmp_path: Path, ring: FileRing) -> None:
    store, _ = sample_school(tmp_path / "school")
    with store, pytest.raises(VaultError, match="has a key already"):
        make_key(store)
    with Store(tmp_path / "other") as bare, pytest.raises(VaultError, match="imgguard init"):
        make_key(bare)
    with Store(tmp_path / "other") as bare, pytest.raises(VaultError, match="imgguard init"):
        open_vault(bare)


def test_rotation_encrypts_everything_anew_and_deletes_the_old_key(tmp_path: Path, ring: FileRing) -> None:
    store, old = sample_school(tmp_path / "school", "020411", "020448")
    with store:
        before = store.query("SELECT ciphertext, nonce FROM templates ORDER BY id")
        secret = next(iter(ring.secrets().values()))
        assert rotate(store, old) == (2, 0)
        after = store.query("SELECT ciphertext, nonce FROM templates ORDER BY id")
        assert not {c for c, _ in before} & {c for c, _ in after} and not {n for _, n in before} & {n for _, n in after}
        assert len(ring.secrets()) == 1 and secret not in ring.secrets().values()
        found = read_templates(store, open_vault(store), TODAY)
        assert found.references == (reference("020411")[0], reference("020448")[0])
        assert not read_templates(store, old, TODAY).stored, "the control: the old key opens nothing"
        assert rotate(store, open_vault(store), lambda: PASSPHRASE) == (2, 0)
        assert (kept_in(store), ring.secrets()) == ("passphrase", {})
        assert len(read_templates(store, open_vault(store, lambda: PASSPHRASE), TODAY).stored) == 2


@pytest.mark.parametrize("where", ["keep", "append", "_moved"])
def test_a_rotation_that_fails_leaves_everything_as_it_was(
    tmp_path: Path, ring: FileRing, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    store, old = sample_school(tmp_path / "school", "020411")

    def fail(*_: object) -> None:
        raise OSError("no more space")

    with store:
        with monkeypatch.context() as patched:
            patched.setattr({"keep": keychain, "append": audit, "_moved": vaults}[where], where, fail)
            with pytest.raises(OSError, match="no more space"):
                rotate(store, old)
        assert len(read_templates(store, open_vault(store), TODAY).stored) == 1
        assert rotate(store, open_vault(store)) == (1, 0), "and the next attempt works"
        assert len(ring.secrets()) == 1


def test_a_crash_after_a_rotation_loses_no_key(tmp_path: Path, ring: FileRing, monkeypatch: pytest.MonkeyPatch) -> None:
    store, old = sample_school(tmp_path / "school", "020411")
    with store:
        with monkeypatch.context() as patched:
            patched.setattr(keychain, "drop", lambda name: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                rotate(store, old)
        assert len(read_templates(store, open_vault(store), TODAY).stored) == 1
        assert len(ring.secrets()) == 2
        rotate(store, open_vault(store))
        assert len(ring.secrets()) == 1, "the next rotation deletes what was left"


def test_a_damaged_template_does_not_stop_a_rotation_and_is_counted(tmp_path: Path, ring: FileRing) -> None:
    store, old = sample_school(tmp_path / "school", "020411", "020448")
    with store:
        with store.atomic():
            store.change("UPDATE templates SET ciphertext = zeroblob(528) WHERE subject_id = '020448'")
        assert rotate(store, old) == (1, 1)
        assert store.query("SELECT subject_id FROM templates") == [("020411",)]


def test_a_lost_key_means_enrolling_again_and_nothing_else(tmp_path: Path, ring: FileRing) -> None:
    store, _ = sample_school(tmp_path / "school", "020411", "020448")
    with store:
        Path(tmp_path / "ring.json").unlink()
        with pytest.raises(VaultError, match="no key for this school file") as lost:
            open_vault(store)
        assert "imgguard key lost" in lost.value.remedy
        people = store.query("SELECT * FROM subjects ORDER BY subject_id")
        consents = store.query("SELECT * FROM consents")
        assert replace_lost(store) == 2
        assert store.query("SELECT * FROM subjects ORDER BY subject_id") == people
        assert store.query("SELECT * FROM consents") == consents
        assert save_templates(store, open_vault(store), [reference("020411")]) == 1


def test_another_key_in_the_keyring_is_told(tmp_path: Path, ring: FileRing) -> None:
    store, _ = sample_school(tmp_path / "school")
    with store:
        for name in ring.secrets():
            for wrong in (base64.b64encode(b"x" * 32).decode(), base64.b64encode(b"short").decode(), "*", ""):
                ring.set_password(*name.split(" "), wrong)
                with pytest.raises(VaultError):
                    open_vault(store)


def test_a_key_is_not_shown_and_does_not_travel() -> None:
    sealed = VAULT.seal(b"template", b"")
    assert repr(VAULT) == "<Vault, key 1>" and repr(sealed) == "<Sealed, key 1>"
    assert "template" not in repr(reference("020411")[0]).replace("template=", "")
    assert r"\x" not in repr(reference("020411")[0])
    with pytest.raises(TypeError):
        pickle.dumps(VAULT)


_FAILING = """
    import os, sys, traceback
    from datetime import date
    from pathlib import Path
    from cli.main import run
    from consent import Store
    from consent.templates import read_templates
    from consent.vault import open_vault
    print(dict(os.environ))
    store = Store(Path(sys.argv[1]))
    vault = open_vault(store, lambda: Path(sys.argv[2]).read_text())
    found = read_templates(store, vault, date(2026, 11, 23))
    assert len(found.stored) == 1
    for broken in (
        lambda: vault.unseal(vault.seal(found.references[0].template, b"a"), b"b"),
        lambda: open_vault(store, lambda: Path(sys.argv[2]).read_text() + "x"),
        lambda: vault.seal(None, found),
        lambda: {}[vault, found.stored[0].photo_sha256],
        lambda: store.query("nonsense", (found,)),
    ):
        try:
            broken()
        except Exception as error:
            traceback.print_exc()
            print(repr(error), error.args, vars(error), found, vault)
    run(["purge", "--school", sys.argv[1], "--nonsense"])
    raise RuntimeError(vault, found, store)
"""


def leaks(text: bytes, secrets: list[bytes]) -> list[bytes]:
    forms = [form for s in secrets for form in (s, s.hex().encode(), base64.b64encode(s), repr(s).encode()[2:-1])]
    return [form for form in forms if form in text]


@pytest.mark.parametrize("passphrase", [None, PASSPHRASE], ids=["keyring", "passphrase"])
def test_no_failing_process_shows_key_passphrase_or_template(
    tmp_path: Path, ring: FileRing, passphrase: str | None
) -> None:
    path = tmp_path / "school"
    sample_school(path, "020411", passphrase=passphrase)[0].close()
    (tmp_path / "phrase").write_text(PASSPHRASE)
    command = [sys.executable, "-X", "dev", "-c", textwrap.dedent(_FAILING), str(path), str(tmp_path / "phrase")]
    done = subprocess.run(command, capture_output=True, timeout=120)
    text = done.stdout + done.stderr
    assert done.returncode == 1 and b"RuntimeError" in text and b"VaultError" in text and b"020411" in text
    template = reference("020411")[0].template
    secrets = [PASSPHRASE.encode(), template, template[:16], template[100:116]]
    secrets += [base64.b64decode(kept) for kept in ring.secrets().values()]
    assert leaks(text, secrets) == []
    assert leaks(text + template.hex().encode(), secrets), "the control"


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(wrong=st.text(max_size=20).filter(lambda text: text != PASSPHRASE))
def test_no_other_text_opens_it(tmp_path_factory: pytest.TempPathFactory, wrong: str) -> None:
    path = tmp_path_factory.getbasetemp() / "opened-by-passphrase"
    if not path.exists():
        sample_school(path, passphrase=PASSPHRASE)[0].close()
    with Store(path) as store, pytest.raises(VaultError):
        open_vault(store, lambda: wrong)


def test_a_school_is_made_once(tmp_path: Path) -> None:
    with Store(tmp_path / "school") as store:
        assert open_school(store) is None
        made = make_school(store, "Cedar Ridge", "strict")
        assert open_school(store) == made
        with pytest.raises(RecordError, match="already"):
            make_school(store, "Another", "strict")


def test_a_key_that_another_process_has_changed_neither_rotates_nor_stores_anything(
    tmp_path: Path, ring: FileRing
) -> None:
    store, old = sample_school(tmp_path / "school", "020411", "020448")
    with store:
        rotate(store, old)
        with pytest.raises(VaultError, match="changed by another process"):
            rotate(store, old)
        with pytest.raises(VaultError, match="changed by another process"):
            save_templates(store, old, [reference("020485")])
        assert len(read_templates(store, open_vault(store), TODAY).stored) == 2, "nothing was deleted as unreadable"


def test_of_a_passphrase_that_is_not_used_any_more_nothing_is_left_to_try_it_on(tmp_path: Path) -> None:
    store, old = sample_school(tmp_path / "school", "020411", passphrase=PASSPHRASE)
    with store:
        ((parameters, proof),) = store.query("SELECT parameters, proof FROM keys")
        rotate(store, old, lambda: "another one that is long")
        store.compact()
    everything = every_byte(tmp_path / "school")
    salt = json.loads(str(parameters))["salt"].encode()
    assert isinstance(proof, bytes) and proof not in everything and salt not in everything
