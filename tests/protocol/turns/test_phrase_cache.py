from protocol.messages.speaking import SpokenAudio
from protocol.turns.phrase_cache import PhraseCache


def sound(size_bytes: int) -> SpokenAudio:
    return SpokenAudio(bytes(size_bytes), 22_050)


def test_the_phrase_not_used_for_longest_makes_room() -> None:
    cache = PhraseCache(max_bytes=250)
    for name in ("one", "two"):
        cache.keep((None, name, 1.0), sound(100))
    cache.find((None, "one", 1.0))
    cache.keep((None, "three", 1.0), sound(100))

    assert [cache.find((None, name, 1.0)) is not None for name in ("one", "two", "three")] == [True, False, True]
    assert (len(cache), cache.size_bytes, cache.hits) == (2, 200, 3)


def test_a_phrase_that_comes_again_takes_its_place_once() -> None:
    cache = PhraseCache(max_bytes=250)
    cache.keep((None, "one", 1.0), sound(100))
    cache.keep((None, "one", 1.0), sound(120))

    assert (len(cache), cache.size_bytes) == (1, 120)


def test_long_texts_and_what_is_larger_than_the_whole_are_not_kept() -> None:
    cache = PhraseCache(max_bytes=250)
    cache.keep((None, "long " * 20, 1.0), sound(10))
    cache.keep((None, "one", 1.0), sound(251))
    PhraseCache(max_bytes=0).keep((None, "one", 1.0), sound(1))

    assert (len(cache), cache.size_bytes) == (0, 0)
