import pytest
from hypothesis import given
from hypothesis import strategies as st

from maru.errors import ReleaseError
from maru.release.pin import Pin, hand_written, read_pin

A = "sha256:" + "a" * 64
CANONICAL = f"schema: 1\nbundle: {A}\nimage: embedded\n".encode()

images = st.from_regex(r"[a-z][a-z0-9./-]{0,20}@sha256:[0-9a-f]{64}", fullmatch=True)
digests = st.from_regex(r"sha256:[0-9a-f]{64}", fullmatch=True)


def test_the_canonical_file_worked_by_hand():
    assert Pin(A).to_bytes() == CANONICAL
    assert read_pin(CANONICAL) == Pin(A, "embedded")
    assert hand_written(CANONICAL) is None


@given(digests, images)
def test_what_is_written_is_read_back(digest, image):
    pin = Pin(digest, image)
    assert read_pin(pin.to_bytes()) == pin
    assert hand_written(pin.to_bytes()) is None


@given(st.binary(max_size=200))
def test_any_bytes_are_a_pin_or_a_release_error(content):
    try:
        assert isinstance(read_pin(content), Pin)
    except ReleaseError:
        assert hand_written(content)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "must say schema, bundle and image, got None"),
        (b"- a\n", "must say schema, bundle and image"),
        (b"schema: [", "is not YAML"),
        (b"\xff\xfe\xfa", "is not YAML"),
        (CANONICAL + b"commit: abc\n", "must say schema, bundle and image, got bundle, commit"),
        (b"schema: 1\nbundle: latest\nimage: embedded\n", "'latest' is not a bundle digest"),
        (f"schema: 1\nbundle: {A.upper()}\nimage: embedded\n".encode(), "not a bundle digest"),
        (f"schema: 2\nbundle: {A}\nimage: embedded\n".encode(), "has schema 2, this maru reads 1"),
        (f"schema: true\nbundle: {A}\nimage: embedded\n".encode(), "has schema True"),
        (f"schema: 1\nbundle: {A}\nimage: \n".encode(), "image must be one word, got None"),
        (f"schema: 1\nbundle: {A}\nimage: a b\n".encode(), "image must be one word, got 'a b'"),
    ],
)
def test_other_files_are_refused_in_words(content, said):
    with pytest.raises(ReleaseError, match="release") as refusal:
        read_pin(content)
    assert said in str(refusal.value)


@pytest.mark.parametrize("edit", [b"# mine\n", b"\n"])
def test_an_edited_spelling_is_hand_written(edit):
    assert read_pin(CANONICAL + edit) == Pin(A)
    assert "was written by hand" in str(hand_written(CANONICAL + edit))
