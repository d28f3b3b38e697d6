from cli.access import ServerAccess


def test_a_key_goes_into_each_request_and_into_no_picture_of_the_object() -> None:
    access = ServerAccess("sayso_secret")
    assert access.headers == {"Authorization": "Bearer sayso_secret"}
    assert "secret" not in repr(access)


def test_without_a_key_nothing_is_sent() -> None:
    assert ServerAccess().headers == {}
