import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.shared.sealing import RECORD_MAX_BYTES, BadSeal, seal, unseal


@given(st.text(max_size=50), st.binary(max_size=300))
def test_what_was_sealed_is_read_with_its_token(token: str, record: bytes) -> None:
    assert unseal(token, seal(token, record)) == record


def test_a_record_is_sealed_differently_each_time_and_cannot_be_read_in_the_store() -> None:
    record = b"what the user said"
    assert seal("token", record) != seal("token", record)
    assert record not in seal("token", record)


@pytest.mark.parametrize(
    "sealed",
    [b"", b"short", seal("another", b"record"), seal("token", b"record")[:-1]],
    ids=["empty", "short", "another token", "cut"],
)
def test_what_was_sealed_with_another_token_or_was_changed_is_refused(sealed: bytes) -> None:
    with pytest.raises(BadSeal):
        unseal("token", sealed)


def test_a_record_that_grows_without_end_is_cut() -> None:
    assert len(unseal("token", seal("token", bytes(RECORD_MAX_BYTES + 1)))) == RECORD_MAX_BYTES
