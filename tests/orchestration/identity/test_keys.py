"""The secret: made once, readable by its owner only, never in the warehouse."""

from __future__ import annotations

import stat

import pytest

from orchestration.identity.keys import KEY_VARIABLE, Hasher, KeyRefusedError, load_hasher


@pytest.fixture(autouse=True)
def no_key_of_the_environment(monkeypatch):
    monkeypatch.delenv(KEY_VARIABLE, raising=False)


def test_the_secret_is_made_once_and_only_its_owner_may_read_it(tmp_path):
    first = load_hasher(tmp_path)
    path = tmp_path / "secrets" / "identity.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert load_hasher(tmp_path).digest("phone", "+1") == first.digest("phone", "+1")


def test_two_companies_hash_the_same_phone_differently(tmp_path):
    assert load_hasher(tmp_path / "a").digest("phone", "+1") != load_hasher(tmp_path / "b").digest("phone", "+1")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_secret_that_others_may_read_is_refused(tmp_path, mode):
    load_hasher(tmp_path)
    path = tmp_path / "secrets" / "identity.key"
    path.chmod(mode)
    with pytest.raises(KeyRefusedError, match="chmod 600"):
        load_hasher(tmp_path)


def test_the_environment_comes_before_the_file_and_must_be_long_enough(tmp_path, monkeypatch):
    monkeypatch.setenv(KEY_VARIABLE, "k" * 32)
    assert load_hasher(tmp_path).fingerprint == Hasher(b"k" * 32).fingerprint
    assert not (tmp_path / "secrets").exists()
    monkeypatch.setenv(KEY_VARIABLE, "short")
    with pytest.raises(KeyRefusedError, match=KEY_VARIABLE):
        load_hasher(tmp_path)


def test_a_hash_of_one_purpose_is_none_of_another():
    hasher = Hasher(b"k" * 32)
    assert hasher.digest("phone", "a", "b") != hasher.digest("email", "a", "b")
    assert hasher.digest("phone", "a", "b") != hasher.digest("phone", "ab")
    assert hasher.customer_id([("b", "2"), ("a", "9")]) == hasher.customer_id([("a", "9")])
