"""What a proxy says of the caller is believed of those only that the operator has named."""

import pytest
from django.test import RequestFactory

from config.middleware import find_address


@pytest.mark.parametrize(
    ("peer", "said", "found"),
    [
        ("203.0.113.9", "198.51.100.7", "203.0.113.9"),
        ("127.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("127.0.0.1", "192.0.2.66, 198.51.100.7, 127.0.0.1", "198.51.100.7"),
        ("127.0.0.1", "not an address", "127.0.0.1"),
        ("127.0.0.1", "", "127.0.0.1"),
    ],
)
def test_the_caller_is_the_last_address_that_is_no_proxy(peer: str, said: str, found: str) -> None:
    request = RequestFactory().get("/", REMOTE_ADDR=peer, headers={"X-Forwarded-For": said, "X-Forwarded-Proto": "https"})
    assert find_address(request) == found
    assert ("HTTP_X_FORWARDED_PROTO" in request.META) is (peer == "127.0.0.1")
