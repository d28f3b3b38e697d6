from protocol.admission.drain import AT_ONCE_S, COME_BACK_S, Drain, DrainPhase, come_back_within_s


def test_a_server_serves_until_a_drain_begins():
    assert Drain().shown(lambda: 0.0) == {"phase": "serving"}


def test_a_drain_has_a_reason_and_a_deadline():
    drain = Drain()

    assert drain.begin("deploy", 10.0, 60.0)
    assert drain.shown(lambda: 15.04) == {"phase": "draining", "reason": "deploy", "deadline_in_s": 55.0}
    drain.stop()
    assert drain.phase is DrainPhase.STOPPING
    assert drain.shown(lambda: 100.0)["deadline_in_s"] == 0.0


def test_a_second_request_can_only_shorten_it():
    drain = Drain()
    drain.begin("deploy", 0.0, 60.0)

    assert not drain.begin("SIGTERM", 10.0, 5.0, must_restart=True)
    assert (drain.reason, drain.deadline_s, drain.must_restart) == ("deploy", 15.0, False)
    drain.begin("again", 10.0, 500.0)
    assert drain.deadline_s == 15.0


def test_an_unhealthy_server_says_that_it_must_start_again():
    drain = Drain()
    drain.begin("out of memory", 0.0, 10.0, must_restart=True)

    assert drain.must_restart


def test_clients_come_back_at_once_where_another_replica_lives() -> None:
    assert come_back_within_s(0) == COME_BACK_S
    assert come_back_within_s(1) == AT_ONCE_S
