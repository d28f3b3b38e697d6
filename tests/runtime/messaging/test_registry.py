from runtime import Ref, Registry


def test_a_name_means_the_latest_reference() -> None:
    registry, old, new = Registry(), Ref("old"), Ref("new")
    registry.register("session", old)
    registry.register("session", new)
    assert registry.lookup("session") is new
    assert registry.names() == ("session",)


def test_an_old_incarnation_does_not_unregister_its_successor() -> None:
    registry, old, new = Registry(), Ref("old"), Ref("new")
    registry.register("session", new)
    assert not registry.unregister("session", old)
    assert registry.lookup("session") is new
    assert registry.unregister("session", new)
    assert registry.lookup("session") is None
    assert len(registry) == 0
