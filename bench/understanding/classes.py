"""CLINC150's intents as classes of the head.

A class is a kind of call that the server can make, something that people ask for by name and it cannot do, or talk.
An intent that is here none of these is of the class ``none``, in a column of its own: the head tells more of them
apart so.
"""

import re
from collections.abc import Mapping
from typing import Final

NONE: Final = "none"
_OF_INTENT: Final[Mapping[str, str]] = {
    "alarm": "set_alarm",
    "calculator": "calculate",
    "date": "get_date",
    "measurement_conversion": "convert_units",
    "reminder": "list_reminders",
    "reminder_update": "set_reminder",
    "repeat": "repeat",
    "shopping_list": "read_list",
    "time": "get_time",
    "timer": "set_timer",
    "todo_list": "read_list",
    "what_can_i_ask_you": "help",
}
_INTENTS: Final[Mapping[str, str]] = {
    "bank": "account_blocked apr balance bill_balance bill_due card_declined credit_limit credit_limit_change"
    " credit_score damaged_card direct_deposit exchange_rate expiration_date freeze_account improve_credit_score income"
    " insurance insurance_change interest_rate international_fees min_payment new_card pay_bill payday pin_change"
    " redeem_rewards replacement_card_duration report_fraud report_lost_card rewards_balance rollover_401k routing"
    " spending_history taxes transactions transfer w2",
    "calendar": "calendar calendar_update meeting_schedule schedule_meeting",
    "call": "make_call",
    "control": "smart_home",
    "locate": "current_location directions distance find_phone gas share_location traffic",
    "mail": "text",
    "order": "book_flight book_hotel cancel_reservation car_rental confirm_reservation order order_checks order_status"
    " restaurant_reservation uber",
    "play": "next_song play_music update_playlist what_song",
    "talk": "are_you_a_bot do_you_have_pets fun_fact goodbye greeting how_old_are_you meaning_of_life tell_joke"
    " thank_you user_name what_are_your_hobbies what_is_your_name where_are_you_from who_do_you_work_for who_made_you",
    "translate": "translate",
    "volume": "change_volume",
    "weather": "weather",
}
_CHANGES: Final = frozenset({"shopping_list_update", "todo_list_update"})
_WHOLE: Final = re.compile(r"\b(?:everything|all|clear|blank|empty|wipe|whole|entire)\b")
_REMOVES: Final = re.compile(
    r"\b(?:removed?|delete|take|taken|cross|off|erase|strike|no longer|do(?:n't|nt| not) need|get rid|check|done"
    r"|finished|completed|drop|scratch|eliminate|clear|blank|wipe|empty)\b"
)
_ADDS: Final = re.compile(r"\b(?:add|put)\b")


def column_of(intent: str, text: str) -> tuple[str, str]:
    """Return the class of one of CLINC150's sentences, and the name of its column."""
    name = class_of(intent, text)
    return name, f"{name}:{intent}"


def class_of(intent: str, text: str) -> str:
    """Return the class of one of CLINC150's sentences; its list updates are told apart by their words.

    >>> class_of("todo_list_update", "wipe my to do list clean"), class_of("flip_coin", "heads or tails")
    ('clear_list', 'none')
    """
    if intent in _CHANGES:
        return _change(text)
    return _OF_INTENT.get(intent) or next((name for name, all_of in _INTENTS.items() if intent in all_of.split()), NONE)


def _change(text: str) -> str:
    if _REMOVES.search(text) and not _ADDS.search(text):
        return "clear_list" if _WHOLE.search(text) else "remove_from_list"
    return "add_to_list"
