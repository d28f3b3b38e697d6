"""Servers that recognise speech for others, and one that has the sessions."""

from collections.abc import Callable

import httpx2
import pytest

from backends.speech.remote import wav_of
from tests.system.client_fixtures import QUIET, SILENCE, talking
from tests.system.server_fixtures import SMALL, need_models, running_server

pytestmark = pytest.mark.system

SENTENCE = "Set a timer for ten minutes."
UPGRADE = {
    "upgrade": "websocket",
    "connection": "upgrade",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
}
DEAD = "http://127.0.0.1:9/v1"


async def test_a_recogniser_serves_sessions_elsewhere_and_a_dead_address_loses_no_turn(
    spoken: Callable[[str], bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    need_models()
    role = SMALL | {"supervisor.roles": "recognise"}
    with running_server(tmp_path_factory.mktemp("recogniser"), role) as recogniser:
        assert recogniser.get("/health/ready").json() == {"status": "ready", "roles": ["recognise"]}
        assert recogniser.get("/ws", headers=UPGRADE).status == 404
        assert recogniser.get("/v1/audio/speech", method="POST").status == 404
        elsewhere = SMALL | {
            "transcription.provider": "openai",
            "transcription.openai.url": f"{DEAD},{recogniser.http_url}/v1",
            "transcription.fallback": False,
        }
        with running_server(tmp_path_factory.mktemp("sessions"), elsewhere) as sessions:
            async with talking(sessions.url, QUIET) as speaker:
                for _ in range(4):
                    await speaker.speak(spoken(SENTENCE) + SILENCE)
                    assert (await speaker.next("turn_completed"))["outcome"] == "done"
            addresses = sessions.actor("transcription")["statistics"]["pool"]["remote"]["addresses"]
        assert addresses[0]["failures"] >= 1
        assert (addresses[1]["answers"] >= 4, addresses[1]["failures"]) == (True, 0)
        assert "answers as another sayso" in sessions.log()
        form = {"model": "whisper-1", "response_format": "verbose_json", "sayso": '{"version": 9}'}
        answer = httpx2.post(
            f"{recogniser.http_url}/v1/audio/transcriptions",
            data=form,
            files={"file": ("a.wav", wav_of(spoken(SENTENCE)))},
            trust_env=False,
        )
        assert answer.status_code == 400
        assert "different versions" in answer.json()["error"]["message"]
