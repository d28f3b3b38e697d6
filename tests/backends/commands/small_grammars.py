"""Small grammars for tests: hassil's intents of some sentences and lists."""

from hassil import Intents


def intents_of(*sentences: str, rules: dict[str, str] | None = None, **lists: object) -> Intents:
    """Return one intent with these sentences; a list is values, a range (from, to) or ``None`` for any words."""

    def entry(values: object) -> dict[str, object]:
        if values is None:
            return {"wildcard": True}
        if isinstance(values, tuple):
            return {"range": {"from": values[0], "to": values[1]}}
        return {"values": values}

    return Intents.from_dict(
        {
            "language": "en",
            "intents": {"Do": {"data": [{"sentences": list(sentences)}]}},
            "lists": {name: entry(values) for name, values in lists.items()},
            "expansion_rules": rules or {},
        }
    )
