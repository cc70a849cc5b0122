"""Keys: made, found, allowed, wrapped."""

from __future__ import annotations

from dataclasses import replace

import pytest

from estudio.core.service import Endpoint, KeyScope, KeySlot, Service, ServiceKey, ServiceVersion
from estudio.errors import AccessDenied
from estudio.services.keys import (
    PREFIXES,
    check_key,
    digest_of_token,
    find_key,
    hkdf_sha256,
    new_key,
    newest_of_slot,
    unwrap_key,
    wrap_key,
)
from estudio.store.memory_services import MemoryServices

SECOND_VECTOR = (
    "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f0"
    "9b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"
)
ENDPOINT = Endpoint("e" * 32, "5" * 32, "default", 1.0)
OTHER = replace(ENDPOINT, id="f" * 32, name="other")


def call_key(at: float = 10.0, **fields: object) -> tuple[ServiceKey, str]:
    made = new_key(KeyScope.CALL, at, endpoint_id=ENDPOINT.id, slot=KeySlot.PRIMARY, **fields)  # type: ignore[arg-type]
    return made.key, made.token


@pytest.mark.parametrize(
    ("secret", "salt", "info", "expected"),
    [
        (
            "0b" * 22,
            "000102030405060708090a0b0c",
            "f0f1f2f3f4f5f6f7f8f9",
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
        ),
        (
            bytes(range(0x50)).hex(),
            bytes(range(0x60, 0xB0)).hex(),
            bytes(range(0xB0, 0x100)).hex(),
            SECOND_VECTOR,
        ),
        (
            "0b" * 22,
            "",
            "",
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
        ),
    ],
    ids=["1", "2", "3"],
)
def test_the_vectors_of_rfc_5869(secret: str, salt: str, info: str, expected: str) -> None:
    length = len(expected) // 2
    given = [bytes.fromhex(text) for text in (secret, salt, info)]
    assert hkdf_sha256(given[0], given[1], given[2], length).hex() == expected
    assert hkdf_sha256(given[0], given[1], given[2], 7).hex() == expected[:14]


def test_no_more_is_derived_than_the_rfc_allows() -> None:
    assert len(hkdf_sha256(b"s", b"", b"", 8160)) == 8160
    with pytest.raises(ValueError, match="8161"):
        hkdf_sha256(b"s", b"", b"", 8161)


def test_a_key_is_random_and_its_record_does_not_hold_it() -> None:
    tokens = {call_key()[1] for _ in range(50)}
    assert len(tokens) == 50
    key, token = call_key()
    assert token.startswith(PREFIXES[KeyScope.CALL])
    assert len(token) == 4 + 43
    assert token not in repr(key)
    assert key.digest == digest_of_token(token)
    assert new_key(KeyScope.MANAGE, 1.0).token.startswith(PREFIXES[KeyScope.MANAGE])


def test_a_key_is_found_by_itself_alone() -> None:
    services = MemoryServices()
    key, token = call_key()
    service = Service("5" * 32, "pima", 1.0, 1)
    version = ServiceVersion(service.id, 1, 1.0, "pima", "Pima", "", "aa" * 32)
    services.add_version(service, version, ENDPOINT, [key])
    assert find_key(services, token) == key
    for wrong in ("", token[:-1], token + "x", token.swapcase(), key.digest, "x" * 10_000, "ä", "\ud800", token + "\n"):
        assert find_key(services, wrong) is None


def test_a_key_that_only_begins_alike_is_another() -> None:
    services = MemoryServices()
    _, token = call_key()
    wrong = replace(new_key(KeyScope.MANAGE, 1.0).key, digest=digest_of_token(token)[:-1] + "x")
    services.add_key(wrong)
    assert services.find_keys(digest_of_token(token)[:8]) == [wrong]
    assert find_key(services, token) is None


def test_what_keys_allow() -> None:
    key, manage = call_key()[0], new_key(KeyScope.MANAGE, 1.0).key
    assert check_key(key, KeyScope.CALL, ENDPOINT, 20.0) is key
    for scope, endpoint in ((KeyScope.CALL, OTHER), (KeyScope.MANAGE, None), (KeyScope.CALL, None)):
        assert check_key(manage, scope, endpoint, 20.0) is manage
    for denied, scope, endpoint, words in (
        (None, KeyScope.CALL, ENDPOINT, "not one of this endpoint"),
        (key, KeyScope.CALL, OTHER, "not one of this endpoint"),
        (key, KeyScope.CALL, None, "not one of this endpoint"),
        (key, KeyScope.MANAGE, None, "management key"),
    ):
        with pytest.raises(AccessDenied, match=words):
            check_key(denied, scope, endpoint, 20.0)


def test_a_key_expires() -> None:
    key = call_key(expires_at=20.0)[0]
    assert check_key(key, KeyScope.CALL, ENDPOINT, 19.9) is key
    with pytest.raises(AccessDenied, match="has expired"):
        check_key(key, KeyScope.CALL, ENDPOINT, 20.0)
    with pytest.raises(AccessDenied, match="not one of this endpoint"):
        check_key(key, KeyScope.CALL, OTHER, 20.0)


def test_a_wrapped_key_is_read_with_its_token_alone() -> None:
    management = new_key(KeyScope.MANAGE, 1.0).token
    key, token = call_key(management_token=management)
    assert unwrap_key(key, management) == token
    assert unwrap_key(key, new_key(KeyScope.MANAGE, 1.0).token) is None
    assert unwrap_key(key, "") is None
    assert token[4:] not in key.wrapped


@pytest.mark.parametrize("change", ["", "A", "€", "not base64!", "A" * 400])
def test_a_changed_wrapping_is_seen(change: str) -> None:
    management = new_key(KeyScope.MANAGE, 1.0).token
    key, _ = call_key(management_token=management)
    assert unwrap_key(replace(key, wrapped=change), management) is None
    flipped = ("B" if key.wrapped[0] == "A" else "A") + key.wrapped[1:]
    assert unwrap_key(replace(key, wrapped=flipped), management) is None


def test_no_pad_is_used_twice() -> None:
    wrapped = {wrap_key("x" * 47, "token", key_id) for key_id in ("a", "b", "c")}
    assert len(wrapped) == 3


def test_the_newest_key_of_a_slot_is_the_one_in_use() -> None:
    old, new = call_key(10.0, expires_at=99.0)[0], call_key(11.0)[0]
    assert newest_of_slot([new, old], KeySlot.PRIMARY) is new
    assert newest_of_slot([new, old], KeySlot.SECONDARY) is None
