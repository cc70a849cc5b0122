from __future__ import annotations

import base64
import hashlib
import stat
import threading
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

import pytest

from estudio.errors import AccessDenied, StoreDiskFull, StoreFailed
from estudio.server.classic.blob_tokens import READ, TOKEN_SECONDS, WRITE, BlobPlace, check_token, make_token
from estudio.workspace import blobs as blob_module
from estudio.workspace.blobs import WorkspaceBlobs
from tests.server.classic.conftest import OTHER_KEY

if TYPE_CHECKING:
    from tests.server.classic.conftest import Classic

SECRET = b"s" * 32
PLACE = BlobPlace("a" * 32, "results", "j/output1results.csv")
BLOCK = {"x-ms-blob-type": "BlockBlob"}


def query_of(token: str) -> dict[str, str]:
    assert token.startswith("?")
    return dict(parse_qsl(token[1:], keep_blank_values=True, strict_parsing=True))


def test_a_token_is_good_for_its_place_and_permission_until_it_ends() -> None:
    query = query_of(make_token(SECRET, PLACE, READ, 1000.0))
    check_token(SECRET, query, PLACE, READ, 1000.0 + TOKEN_SECONDS - 1)
    for secret, place, permission, now in (
        (b"t" * 32, PLACE, READ, 1000.0),
        (SECRET, replace(PLACE, name="j/output2results.csv"), READ, 1000.0),
        (SECRET, replace(PLACE, account="b" * 32), READ, 1000.0),
        (SECRET, PLACE, WRITE, 1000.0),
        (SECRET, PLACE, READ, 1000.0 + TOKEN_SECONDS),
    ):
        with pytest.raises(AccessDenied):
            check_token(secret, query, place, permission, now)


@pytest.mark.parametrize(
    "change",
    [{"se": "2099-01-01T00:00:00Z"}, {"sp": "w"}, {"sr": "a"}, {"sv": "2"}, {"sig": ""}, {"sig": "AAAA"},
     {"sig": "é" * 44}, {"se": ""}, {"sig": "A" * 10_000}],
)  # fmt: skip
def test_a_changed_token_is_refused(change: dict[str, str]) -> None:
    query = query_of(make_token(SECRET, PLACE, READ, 1000.0))
    with pytest.raises(AccessDenied):
        check_token(SECRET, {**query, **change}, PLACE, change.get("sp", READ), 1000.0)


def test_an_accounts_token_is_good_for_all_of_it_and_no_other() -> None:
    query = query_of(make_token(SECRET, BlobPlace("a" * 32), WRITE, 1000.0))
    check_token(SECRET, query, BlobPlace("a" * 32, "mine", "x.csv"), WRITE, 1000.0)
    with pytest.raises(AccessDenied):
        check_token(SECRET, query, BlobPlace("b" * 32, "mine", "x.csv"), WRITE, 1000.0)


def test_parts_of_a_token_cannot_be_moved_into_each_other() -> None:
    place = BlobPlace("a" * 32, "mine", "x\nse=2099-01-01T00:00:00Z")
    query = query_of(make_token(SECRET, place, READ, 1000.0))
    with pytest.raises(AccessDenied):
        check_token(SECRET, {**query, "se": "2099-01-01T00:00:00Z"}, replace(place, name="x"), READ, 1000.0)


def test_an_upload_is_read_back_with_a_token_or_the_key_alone(classic: Classic) -> None:
    url = f"{classic.url}/blobs/{classic.endpoint.id}/mine/folder/ü%20x.csv".replace("ü", "%C3%BC")
    assert classic.send("PUT", url, b"a,b\n", BLOCK).status == 201
    assert classic.send("GET", url).body == b"a,b\n"
    assert classic.send("GET", url, key="").status == 403
    assert classic.send("GET", url, key=OTHER_KEY).status == 403
    secret = WorkspaceBlobs(classic.context.workspace.folder).secret()  # type: ignore[union-attr]
    place = BlobPlace(classic.endpoint.id, "mine", "folder/ü x.csv")
    with_token = url + make_token(secret, place, READ, 4_000_000_000.0)
    assert classic.send("GET", with_token, key="").body == b"a,b\n"
    part = classic.send("GET", with_token, headers={"Range": "bytes=2-2"}, key="")
    assert (part.status, part.body) == (206, b"b")
    head = classic.send("HEAD", with_token, key="")
    assert (head.status, head.headers["content-length"], head.body) == (200, "4", b"")


def test_what_storage_hands_out_is_enough_to_upload(classic: Classic) -> None:
    place = classic.send("GET", "/storage?api-version=2.0").json
    url = f"{place['BaseLocation']}mine/in.csv{place['SasBlobToken']}"
    assert classic.send("PUT", url, b"a,b\n", BLOCK, key="").status == 201
    assert classic.send("GET", url, key="").status == 403, "a token to write does not read"
    assert place["ConnectionString"].startswith(f"BlobEndpoint={classic.url}/blobs/{classic.endpoint.id};Shared")
    other = url.replace(classic.endpoint.id, classic.other.id)
    assert classic.send("PUT", other, b"a,b\n", BLOCK, key="").status == 403


@pytest.mark.parametrize(
    ("place", "headers", "status", "code"),
    [
        ("mine/in.csv", {}, 400, "InvalidInput"),
        ("mine/in.csv", {"x-ms-blob-type": "PageBlob"}, 400, "InvalidInput"),
        ("mine/in.csv?comp=block&blockid=AA", BLOCK, 400, "InvalidInput"),
        ("results/in.csv", BLOCK, 400, "InvalidInput"),
        ("No/in.csv", BLOCK, 400, "InvalidInput"),
        ("mine/" + "x" * 1025, BLOCK, 400, "InvalidInput"),
    ],
)
def test_a_wrong_upload_is_refused_as_azure_would(
    classic: Classic, place: str, headers: dict[str, str], status: int, code: str
) -> None:
    answer = classic.send("PUT", f"{classic.url}/blobs/{classic.endpoint.id}/{place}", b"x", headers)
    assert (answer.status, answer.headers["x-ms-error-code"]) == (status, code)
    assert f"<Code>{code}</Code>".encode() in answer.body


def test_an_upload_is_bounded(classic: Classic) -> None:
    object.__setattr__(classic.context.settings, "max_upload_bytes", 10)
    answer = classic.send("PUT", f"{classic.url}/blobs/{classic.endpoint.id}/mine/in.csv", b"x" * 11, BLOCK)
    assert (answer.status, answer.headers["x-ms-error-code"]) == (413, "RequestBodyTooLarge")


@pytest.mark.parametrize("name", ["../../estudio.toml", "%2e%2e/%2e%2e/estudio.toml", "..%2f..%2festudio.toml", "%00"])
def test_names_lead_nowhere_else(classic: Classic, name: str) -> None:
    answer = classic.send("GET", f"{classic.url}/blobs/{classic.endpoint.id}/mine/{name}")
    assert answer.status == 404
    answer = classic.send("GET", f"{classic.url}/blobs/{classic.endpoint.id}/results/{name}")
    assert answer.status == 404


@pytest.mark.parametrize("account", ["..", "0" * 32, "signing-key"])
def test_unknown_accounts_are_not_told_from_wrong_keys(classic: Classic, account: str) -> None:
    assert classic.send("GET", f"{classic.url}/blobs/{account}/mine/in.csv").status in (403, 404)
    known = classic.send("GET", f"{classic.url}/blobs/{classic.endpoint.id}/mine/in.csv", key="wrong")
    unknown = classic.send("GET", f"{classic.url}/blobs/{'0' * 32}/mine/in.csv", key="wrong")
    assert (known.status, known.headers["x-ms-error-code"]) == (unknown.status, unknown.headers["x-ms-error-code"])


def test_the_signing_key_is_made_once_and_is_the_owners_alone(classic: Classic) -> None:
    folder = classic.context.workspace.folder  # type: ignore[union-attr]
    found: set[bytes] = set()
    threads = [threading.Thread(target=lambda: found.add(WorkspaceBlobs(folder).secret())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    path = folder.state / "blobs" / "signing-key"
    assert found == {path.read_bytes()}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["signing-key"]
    path.write_bytes(b"short")
    with pytest.raises(StoreFailed):
        WorkspaceBlobs(folder).secret()


def test_an_endpoint_has_so_many_uploads_and_old_ones_go(classic: Classic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blob_module, "MAX_FILES", 2)
    folder = classic.context.workspace.folder  # type: ignore[union-attr]
    store = WorkspaceBlobs(folder)
    account = classic.endpoint.id
    import io
    import os

    for name in ("1.csv", "2.csv", "2.csv"):
        store.put(account, "mine", name, io.BytesIO(b"x"))
    with pytest.raises(StoreDiskFull):
        store.put(account, "mine", "3.csv", io.BytesIO(b"x"))
    old = store.find(account, "mine", "1.csv")
    assert old is not None
    os.utime(old, (1, 1))
    store.put(account, "mine", "3.csv", io.BytesIO(b"x"))
    assert store.find(account, "mine", "1.csv") is None


def test_a_signature_is_standard_base64_of_sha256() -> None:
    signature = query_of(make_token(SECRET, PLACE, READ, 1000.0))["sig"]
    assert len(base64.b64decode(signature, validate=True)) == hashlib.sha256().digest_size
    assert "+" not in urlencode({"sig": signature})
