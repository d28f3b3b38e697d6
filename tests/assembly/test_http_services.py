import pytest

from assembly.adapters import Adapters
from assembly.http_services import audio_services
from config.load import load
from protocol.admission.load import Level, LoadReport
from supervisor import Server


@pytest.mark.parametrize(
    ("roles", "shown"),
    [("", ("recognise", "speak")), ("recognise", ("recognise",)), ("speak", ("speak",))],
)
def test_the_audio_api_does_what_the_server_is_for_and_rests_only_for_sessions(tmp_path, roles, shown):
    environ = {"SAYSO_SUPERVISOR__DATA_DIR": str(tmp_path), "SAYSO_SUPERVISOR__MODELS_DIR": str(tmp_path)}
    settings = load(None, environ, {"supervisor.roles": roles}).settings
    adapters = Adapters(settings)
    server = Server(settings, adapters)
    services = audio_services(settings, server.refs, adapters, server.status)
    assert services.does == shown
    server.board.load.publish(LoadReport(Level(4), 0.0, "memory", ()))
    assert services.pace.rest_s() == (20.0 if not roles else None)


@pytest.mark.parametrize(("level", "rest_s"), [(0, None), (1, None), (2, 10.0), (4, 20.0)])
def test_recordings_in_work_rest_from_level_2_on(tmp_path, level, rest_s):
    environ = {"SAYSO_SUPERVISOR__DATA_DIR": str(tmp_path), "SAYSO_SUPERVISOR__MODELS_DIR": str(tmp_path)}
    settings = load(None, environ, {}).settings
    adapters = Adapters(settings)
    server = Server(settings, adapters)
    services = audio_services(settings, server.refs, adapters, server.status)
    server.board.load.publish(LoadReport(Level(level), 0.0, "memory", ()))
    assert services.pace.rest_s() == rest_s
