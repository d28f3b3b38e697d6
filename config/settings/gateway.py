"""The listener, and one client's socket."""

import attrs
from attrs.validators import ge, gt, le

from config.settings.bounds import DAY_S, HOUR_S, MOST_CONNECTIONS, MOST_EVENTS, each, networks


@attrs.frozen(kw_only=True)
class WebSocketSettings:
    """Bounds on one client's socket."""

    max_connections: int = attrs.field(validator=[ge(0), le(MOST_CONNECTIONS)])
    ping_interval_s: float = attrs.field(validator=[gt(0), le(HOUR_S)])
    pong_timeout_s: float = attrs.field(validator=[gt(0), le(HOUR_S)])
    close_timeout_s: float = attrs.field(validator=[gt(0), le(HOUR_S)])
    max_message_bytes: int = attrs.field(validator=[ge(1_024), le(1 << 28)])
    send_buffer_bytes: int = attrs.field(validator=[ge(1_024), le(1 << 28)])
    recv_buffer_bytes: int = attrs.field(validator=[ge(1_024), le(1 << 24)])
    send_timeout_s: float = attrs.field(validator=[gt(0), le(HOUR_S)])
    compression: bool


@attrs.frozen(kw_only=True)
class RateSettings:
    """How often one address, and one key, may ask."""

    enabled: bool
    per_minute: int = attrs.field(validator=[ge(1), le(MOST_EVENTS)])
    per_hour: int = attrs.field(validator=[ge(1), le(MOST_EVENTS)])
    burst: int = attrs.field(validator=[ge(1), le(MOST_EVENTS)])
    loopback: bool


@attrs.frozen(kw_only=True)
class GatewaySettings:
    """The listener."""

    host: str
    port: int = attrs.field(validator=[ge(0), le(65_535)])
    require_key: bool
    insecure: bool
    tls_certificate: str
    tls_key: str
    allowed_hosts: tuple[str, ...] = attrs.field(
        validator=each(
            r"(?:\*|(?:\*\.)?[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)(?::[0-9]{1,5})?",
            "names such as voice.example.org, voice.example.org:8443, *.example.org or *",
        )
    )
    allowed_origins: tuple[str, ...] = attrs.field(
        validator=each(
            r"\*|null|[A-Za-z][A-Za-z0-9+.-]*://[^\s/?#@]+",
            "origins such as https://app.example.org, without a path, null or *",
        )
    )
    trusted_proxies: tuple[str, ...] = attrs.field(validator=networks)
    wyoming_port: int = attrs.field(validator=[ge(0), le(65_535)])
    wyoming_networks: tuple[str, ...] = attrs.field(validator=networks)
    wyoming_name: str
    head_max_bytes: int = attrs.field(validator=[ge(1_024), le(1 << 20)])
    head_timeout_s: float = attrs.field(validator=[gt(0), le(HOUR_S)])
    keepalive_s: float = attrs.field(validator=[gt(0), le(DAY_S)])
    request_timeout_s: float = attrs.field(validator=[gt(0), le(DAY_S)])
    cache_ttl_s: float = attrs.field(validator=[ge(0), le(DAY_S)])
    backlog: int = attrs.field(validator=[ge(1), le(65_535)])
    max_http_connections: int = attrs.field(validator=[ge(1), le(MOST_CONNECTIONS)])
    max_requests: int = attrs.field(validator=[ge(1), le(MOST_CONNECTIONS)])
    max_share_per_address: float = attrs.field(validator=[gt(0), le(1)])
    body_timeout_s: float = attrs.field(validator=[gt(0), le(HOUR_S)])
    upload_timeout_s: float = attrs.field(validator=[gt(0), le(DAY_S)])
    upload_min_bytes_per_s: float = attrs.field(validator=[ge(0), le(1 << 30)])
    rate: RateSettings
    websocket: WebSocketSettings
