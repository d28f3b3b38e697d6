from protocol.admission.checks import CHECK_RULES, CheckKind


def test_every_kind_of_check_has_a_rule_with_a_short_deadline() -> None:
    assert set(CHECK_RULES) == set(CheckKind)
    assert all(0 < rule.deadline_s <= 1 for rule in CHECK_RULES.values())


def test_a_rate_that_cannot_be_asked_admits_and_credentials_that_cannot_be_checked_refuse() -> None:
    admitting = {kind for kind, rule in CHECK_RULES.items() if rule.admits_without_answer}
    assert admitting == {CheckKind.RATE}
