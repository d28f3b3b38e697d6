"""Who may do what, broken on purpose."""

from typing import Final

from tests.mutations.mutation import Mutation

ACCESS: Final = (
    Mutation(
        "let any key do everything",
        "protocol/admission/scopes.py",
        "return not grant.scopes.isdisjoint(needed)",
        "return bool(grant.scopes) or bool(needed)",
        (
            "tests/protocol/admission/test_scopes.py::test_no_scope_includes_another",
            "tests/backends/ingress/test_admission_checks.py::test_a_key_opens_what_it_is_for_and_nothing_else",
        ),
    ),
    Mutation(
        "open a route that nobody has listed",
        "protocol/admission/scopes.py",
        "CLOSED: Final = PathScopes(OPERATE)",
        "CLOSED: Final = PathScopes(ANYONE)",
        ("tests/protocol/admission/test_scopes.py::test_a_path_that_is_not_listed_needs_operate",),
    ),
    Mutation(
        "give a session to another user who has its token",
        "protocol/admission/keys.py",
        "return owner == sender",
        "return True",
        (
            "tests/protocol/admission/test_keys.py::test_a_session_belongs_to_its_user",
            "tests/actors/connection/test_resuming.py::test_another_user_with_the_right_token_does_not_get_the_session",
        ),
    ),
    Mutation(
        "take a key whose time is over",
        "protocol/admission/keys.py",
        'return "expired_key" if found.has_expired(now_s) else found',
        "return found",
        ("tests/protocol/admission/test_keys.py::test_a_key_expires_at_its_time_and_not_before",),
    ),
    Mutation(
        "open the server when its last key is revoked",
        "backends/keys/key_ring.py",
        "self.is_demanded = self.is_demanded or bool(keys)",
        "self.is_demanded = bool(keys)",
        (
            "tests/backends/keys/test_key_ring.py::test_losing_the_file_opens_nothing",
            "tests/backends/keys/test_key_ring.py::test_a_new_key_is_known_after_a_look_and_a_revoked_one_is_not",
        ),
    ),
    Mutation(
        "take a token for one use twice",
        "protocol/admission/tokens.py",
        "if claims.token_id in self._expires_at_s or",
        "if",
        (
            "tests/protocol/admission/test_tokens.py::test_one_use_is_the_first_only",
            "tests/backends/keys/test_token_issuer.py::test_a_token_for_one_use_is_used_by_the_request_that_is_admitted",
            "tests/backends/ingress/test_http_access.py::test_a_token_for_one_use_is_used_up",
        ),
    ),
    Mutation(
        "let a token do more than its key",
        "protocol/admission/tokens.py",
        "scopes = key.scopes.intersection(claims.scopes)",
        "scopes = frozenset(claims.scopes)",
        ("tests/protocol/admission/test_tokens.py::test_a_token_cannot_do_more_than_its_key",),
    ),
    Mutation(
        "believe anyone who writes a forwarding header",
        "protocol/admission/forwarding.py",
        "    if not is_trusted(host, proxies):\n        return None\n",
        "    if not host:\n        return None\n",
        ("tests/protocol/admission/test_forwarding.py::test_only_a_proxys_connection_has_another_sender",),
    ),
    Mutation(
        "take a stranger behind a proxy for a program on this machine",
        "protocol/admission/identity.py",
        "source = RequestSource.PROXY if is_proxied else",
        "source = RequestSource.PROXY if is_proxied and not peer else",
        (
            (
                "tests/protocol/admission/test_identity.py"
                "::test_who_comes_through_a_trusted_proxy_is_a_stranger_whatever_the_address"
            ),
        ),
    ),
    Mutation(
        "answer a client that asks too often",
        "actors/turn/run.py",
        "        if wait_s > 0:\n",
        "        if wait_s > 3_600:\n",
        ("tests/actors/turn/test_run.py::test_a_client_that_had_too_many_turns_is_told_when_to_go_on",),
    ),
    Mutation(
        "lock a client out of its session because it asks too often",
        "actors/admission/gateway_admission.py",
        "elif check.kind is CheckKind.RATE and kind is RequestKind.WEBSOCKET and self._may_return(identity.tenant):",
        "elif check.kind is CheckKind.RATE and kind is RequestKind.PAGE and self._may_return(identity.tenant):",
        (
            (
                "tests/actors/admission/test_gateway_admission.py"
                "::test_a_limited_client_is_refused_unless_a_session_may_wait_for_it"
            ),
        ),
    ),
    Mutation(
        "count a refused request",
        "protocol/admission/sender_rates.py",
        "        if wait_s == 0:\n",
        "        if wait_s < 3_600:\n",
        (
            (
                "tests/protocol/admission/test_sender_rates.py"
                "::test_a_key_is_limited_wherever_it_is_used_and_a_refusal_takes_nothing_of_the_address"
            ),
        ),
    ),
)
