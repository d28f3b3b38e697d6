"""The items of a conversation."""

from protocol.dialects.realtime.items import MAX_ITEMS, ConversationItems, spoken_item


def test_each_item_knows_the_one_before_it() -> None:
    items = ConversationItems()
    assert [items.add(spoken_item(name)) for name in "abc"] == [None, "a", "b"]
    assert items.delete("c")
    assert not items.delete("c")
    assert items.last_id == "b"
    assert items.add(spoken_item("d")) == "b"


def test_old_items_are_forgotten() -> None:
    items = ConversationItems()
    for number in range(MAX_ITEMS + 1):
        items.add(spoken_item(str(number)))
    assert (len(items), items.get("0"), items.last_id) == (MAX_ITEMS, None, str(MAX_ITEMS))


def test_the_last_of_all_can_go() -> None:
    items = ConversationItems()
    items.add(spoken_item("a"))
    items.delete("a")
    assert (items.last_id, len(items)) == (None, 0)
