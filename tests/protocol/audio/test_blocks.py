from protocol.audio.blocks import BlockSize


def sizes(*processing_s: float, is_silent: bool = False) -> list[int]:
    size = BlockSize(256, 1_500)
    found = []
    for one in processing_s:
        size.adjust(one, is_silent=is_silent)
        found.append(size.samples)
    return found


def test_slow_work_makes_blocks_larger_up_to_a_bound() -> None:
    assert sizes(0.2, 0.2, 0.01, 0.2, 0.2) == [512, 1_024, 1_024, 1_500, 1_500]


def test_in_silence_they_become_small_again() -> None:
    assert sizes(0.2, 0.2, 0.01, 0.01, 0.01, is_silent=True) == [512, 1_024, 512, 256, 256]
