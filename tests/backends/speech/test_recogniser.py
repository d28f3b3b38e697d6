from backends.speech.recogniser import Recogniser
from backends.speech.whisper_engine import Engine


def test_the_real_engine_has_the_face() -> None:
    face = {name for name in vars(Recogniser) if not name.startswith("_")}
    assert face - {"device", "compute_type", "is_multilingual"} <= set(vars(Engine))
