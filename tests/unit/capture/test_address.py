"""Addresses of cameras as people write them, with whatever is in their passwords."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpr.capture.address import parse_address
from alpr.capture.source import mask_url


@pytest.mark.parametrize(
    ("url", "login", "host", "port", "path"),
    [
        ("rtsp://10.0.0.7/stream1", "", "10.0.0.7", 554, "/stream1"),
        ("RTSP://10.0.0.7", "", "10.0.0.7", 554, ""),
        ("rtsp://admin:pw@10.0.0.7:8554/a?b=c", "admin:pw", "10.0.0.7", 8554, "/a?b=c"),
        ("rtsp://admin:a#b@10.0.0.7/s", "admin:a#b", "10.0.0.7", 554, "/s"),
        ("rtsp://admin:a/b@10.0.0.7/s", "admin:a/b", "10.0.0.7", 554, "/s"),
        ("rtsp://admin:a@b@10.0.0.7/s", "admin:a@b", "10.0.0.7", 554, "/s"),
        ("rtsp://admin:a?b@10.0.0.7/s", "admin:a?b", "10.0.0.7", 554, "/s"),
        ("rtsp://admin:p@ss/w#r%d?@cam.local:554/s?x=1", "admin:p@ss/w#r%d?", "cam.local", 554, "/s?x=1"),
        ("rtsp://admin:@10.0.0.7/s", "admin:", "10.0.0.7", 554, "/s"),
        ("rtsp://admin@10.0.0.7/s", "admin", "10.0.0.7", 554, "/s"),
        ("rtsp://admin:pw@gate/s", "admin:pw", "gate", 554, "/s"),
        ("rtsp://admin:pw@10.0.0.7/stream@2", "admin:pw", "10.0.0.7", 554, "/stream@2"),
        ("http://10.0.0.7/v?mail=a@b.com", "", "10.0.0.7", 80, "/v?mail=a@b.com"),
        ("http://10.0.0.7:8080/v?mail=a@b.com", "", "10.0.0.7", 8080, "/v?mail=a@b.com"),
        ("rtsp://[fe80::1]:8554/s", "", "fe80::1", 8554, "/s"),
        ("rtsp://u:p@[fe80::1]/s", "u:p", "fe80::1", 554, "/s"),
        ("https://10.0.0.7/v", "", "10.0.0.7", 443, "/v"),
    ],
)
def test_an_address_is_split(url: str, login: str, host: str, port: int, path: str) -> None:
    address = parse_address(url)
    assert address is not None
    assert (address.login, address.host, address.port, address.path) == (login, host, port, path)


@pytest.mark.parametrize(
    "url", ["rtsp://", "rtsp:///stream", "rtsp://user:pw@", "rtsp://10.0.0.7:99999/s", "10.0.0.7"]
)
def test_an_address_without_a_host_is_none(url: str) -> None:
    assert parse_address(url) is None


@given(
    user=st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=":@/?#%.["), min_size=1),
    password=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1),
)
def test_any_password_reaches_the_camera_as_it_is(user: str, password: str) -> None:
    """Before an address without another @; a user who is called as a host is another matter."""
    address = parse_address(f"rtsp://{user}:{password}@192.0.2.10/stream1")
    assert address is not None
    assert address.host == "192.0.2.10"
    sent = [unquote(urlsplit(address.url(login)).password or "") for login in address.passwords]
    assert password in sent
    assert urlsplit(address.url(address.passwords[0])).hostname == "192.0.2.10"
    shown = mask_url(f"rtsp://{user}:{password}@192.0.2.10/stream1")
    assert shown == "rtsp://***@192.0.2.10/stream1"


def test_percent_signs_are_tried_as_an_encoding_and_as_they_stand() -> None:
    address = parse_address("rtsp://admin:a%41b@10.0.0.7/s")
    assert address is not None
    assert address.passwords == ("admin:aAb", "admin:a%2541b")
