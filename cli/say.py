"""``sayso say``: talk to a running server from a terminal."""

import json
import math
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Final

import attrs
import click
import trio
from rich.console import Console

from cli.access import BadAccess, ServerAccess, access_options
from cli.conversation import Conversation, Feed, WaitTimes
from cli.render import show
from cli.samples import fetch_commands, sentences
from cli.sound import FRAME_S, MIC_RATE_HZ, Sound, microphone, play, read_wav, write_wav
from cli.status import Unreachable
from sayso_client import (
    AudioFormat,
    ClientError,
    ClientOptions,
    ClientSession,
    ConfirmRequest,
    NoServer,
    Received,
    SpeechAudio,
)

DEFAULT_URL: Final = "ws://127.0.0.1:8000/ws"
USUAL_LANGUAGE: Final = "en"  # of a session that names none
CLOSING_SILENCE_S: Final = 1.4  # more than the server waits for the other half of a command, so that it hears the end
SPEECH_BEGINS_S: Final = 5.0  # after the last sample; the server says at once that it hears speech
FAST_FACTOR: Final = 10  # times real time; beyond its buffer the server stops reading
EXIT_TROUBLE: Final = 1
EXIT_NOT_DONE: Final = 3
EXIT_INTERRUPTED: Final = 130  # 128 + SIGINT, as shells do


@attrs.define
class Output:
    """Shows events, and collects the answer's speech."""

    console: Console
    is_json: bool
    rate_hz: int = 0
    _pcm: bytearray = attrs.field(init=False, factory=bytearray)

    def take(self, received: Received) -> None:
        """Show an event; keep a piece of speech."""
        event = received.event
        if isinstance(event, SpeechAudio):
            self._pcm += event.data
            self.rate_hz = event.sample_rate
            self._line(json.dumps({"type": "binary", "bytes": len(event.data)}))
        elif self.is_json:
            self._line(str(received.frame))
        else:
            show(self.console, event)

    def speech(self) -> Sound | None:
        """Return all speech so far, one answer after the other."""
        return Sound(bytes(self._pcm), self.rate_hz) if self._pcm else None

    def _line(self, text: str) -> None:
        if self.is_json:
            click.echo(text)


@click.command()
@click.argument("sentence", required=False)
@click.option("--wav", type=click.Path(path_type=Path, dir_okay=False), help="Speak a PCM WAV file, in real time.")
@click.option("--mic", is_flag=True, help="Speak into the microphone.")
@click.option("--fast", is_flag=True, help=f"Send the file {FAST_FACTOR} times faster than real time.")
@click.option("--help-me", is_flag=True, help="Show what can be said to the server.")
@click.option("--language", help="What is spoken or typed, such as de; the server's usual one without it.")
@click.option("--wake", help="Take speech only after this wake word, such as 'okay nabu'.")
@click.option("--url", default=DEFAULT_URL, show_default=True, help="The server.")
@access_options
@click.option("--json", "is_json", is_flag=True, help="Print one JSON event a line.")
@click.option("--save", type=click.Path(path_type=Path, dir_okay=False), help="Write the answer's speech as WAV.")
@click.option("--play", "is_played", is_flag=True, help="Play the answer's speech.")
@click.option("--yes", is_flag=True, help="Approve every action that the server asks about.")
@click.option("--wait", "wait_s", type=click.FloatRange(min=0), default=0.0, help="Listen so many seconds longer.")
@click.option("--timeout", "timeout_s", type=click.FloatRange(min=0.1), default=60.0, show_default=True)
def say(  # noqa: PLR0917 - click calls it by name
    sentence: str | None,
    wav: Path | None,
    mic: bool,
    fast: bool,
    help_me: bool,
    language: str | None,
    wake: str | None,
    url: str,
    access: ServerAccess,
    is_json: bool,
    save: Path | None,
    is_played: bool,
    yes: bool,
    wait_s: float,
    timeout_s: float,
) -> None:
    """Say a typed SENTENCE, a recording or what the microphone hears, and show what comes back.

    The exit code is 0 if every turn was done, 3 if one was not, 1 if the server cannot be talked to.
    """
    if sum((sentence is not None, wav is not None, mic, help_me)) != 1:
        raise click.UsageError('say exactly one thing: a sentence ("what time is it"), --wav FILE, --mic or --help-me')
    if help_me:
        _show_sentences(url, language or USUAL_LANGUAGE, access)
        return
    output = Output(Console(), is_json)
    try:
        options, feed = _what(sentence, wav, fast, SpeechOptions(language, wake))
        patience = WaitTimes(timeout_s, wait_s, math.inf if sentence is not None else SPEECH_BEGINS_S)
        conversation = Conversation(
            url, options, feed, output.take, partial(_approve, yes), patience, access, is_live=mic
        )
        outcomes = _run(conversation)
        _keep(output.speech(), save, is_played)
    except (ClientError, BadAccess) as error:
        hint = ": start one with `sayso serve`" if isinstance(error, NoServer) else ""
        click.echo(f"sayso: {error}{hint}", err=True)
        sys.exit(EXIT_TROUBLE)
    sys.exit(0 if all(outcome == "done" for outcome in outcomes) else EXIT_NOT_DONE)


def _run(conversation: Conversation) -> list[str]:
    """Run to the end, or until Ctrl-C, which arrives in exception groups."""
    try:
        return trio.run(conversation.run)
    except* KeyboardInterrupt:
        click.echo("sayso: interrupted", err=True)
    sys.exit(EXIT_INTERRUPTED)


def _show_sentences(url: str, language: str, access: ServerAccess) -> None:
    try:
        Console().print(sentences(fetch_commands(url, language, access)))
    except (Unreachable, BadAccess) as error:
        click.echo(f"sayso: {error}", err=True)
        sys.exit(EXIT_TROUBLE)


@attrs.frozen
class SpeechOptions:
    """The options of a session that a person chooses."""

    language: str | None
    wake: str | None

    def client_options(self, sample_rate: int = MIC_RATE_HZ, channels: int = 1) -> ClientOptions:
        """Return all options, for audio of that kind."""
        audio = AudioFormat(sample_rate=sample_rate, channels=channels)
        return ClientOptions(client_id="sayso-say", audio=audio, language=self.language, wake=self.wake)


def _what(sentence: str | None, wav: Path | None, fast: bool, wanted: SpeechOptions) -> tuple[ClientOptions, Feed]:
    if sentence is not None:
        return wanted.client_options(), partial(_type, sentence)
    if wav is None:
        return wanted.client_options(), partial(_speak_live, wanted.wake)
    sound = read_wav(wav)
    feed = partial(_speak, sound.with_silence(CLOSING_SILENCE_S), FAST_FACTOR if fast else 1)
    return wanted.client_options(sound.sample_rate, sound.channels), feed


async def _type(sentence: str, session: ClientSession) -> None:
    await session.send_text(sentence)


async def _speak(sound: Sound, factor: float, session: ClientSession) -> None:
    """Send frames in real time, by the clock: a fixed sleep for each would drift."""
    started_s = trio.current_time()
    for number, frame in enumerate(sound.frames(), start=1):
        await trio.sleep_until(started_s + number * FRAME_S / factor)
        await session.send_audio(frame)


async def _speak_live(wake: str | None, session: ClientSession) -> None:
    what = f'say "{wake}" and a command' if wake else "speak now"
    async with microphone() as frames:
        click.echo(f"listening: {what} (Ctrl-C ends it)", err=True)
        async for frame in frames:
            await session.send_audio(frame)
    raise ClientError("the server takes audio too slowly for a microphone")


async def _approve(yes: bool, request: ConfirmRequest) -> bool:
    """Ask the person at the terminal; without a terminal the answer is no."""
    if yes or not sys.stdin.isatty():
        return yes
    ask: Callable[..., Awaitable[bool]] = trio.to_thread.run_sync
    return await ask(partial(click.confirm, request.say, err=True), abandon_on_cancel=True)


def _keep(speech: Sound | None, save: Path | None, is_played: bool) -> None:
    if speech is None:
        if save is not None or is_played:
            click.echo("sayso: the answer came without speech", err=True)
        return
    if save is not None:
        write_wav(save, speech)
    if is_played:
        play(speech)
