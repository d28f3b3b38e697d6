"""``sayso restart``: replace the replicas that ``sayso serve`` has started on this machine, one after the other."""

import time
from pathlib import Path
from typing import Final

import click

from backends.replicas.state_file import NoReplicas, ReplicasState, ask_restart, read_state
from cli import config_option
from cli.keys import set_option
from cli.settings import parse_assignments, settings_or_exit

LOOK_S: Final = 0.2
BEGIN_S: Final = 10.0  # for the keeper to begin


@click.command()
@config_option
@set_option
@click.option("--rolling", is_flag=True, required=True, help="One after the other: people go on talking meanwhile.")
@click.pass_obj
def restart(config_path: Path | None, assignments: tuple[str, ...], *, rolling: bool) -> None:
    """Replace the replicas of this machine (replicas.count), so that they take new settings or a new version."""
    del rolling  # there is no other way, and a restart that cuts people off must not be one word shorter
    data_dir = settings_or_exit(config_path, parse_assignments(assignments)).settings.supervisor.data_dir
    try:
        before = read_state(data_dir)
        if before.phase == "running":
            raise click.ClickException("they are being restarted already")
        ask_restart(before)
        state = _begun(data_dir, before)
        told = {replica.name: replica.pid for replica in before.replicas}
        while True:
            told = _tell(state, told)
            if state.phase != "running":
                break
            time.sleep(LOOK_S)
            state = read_state(data_dir)
    except NoReplicas as error:
        raise click.ClickException(str(error)) from error
    if state.phase == "failed":
        raise click.ClickException(f"{state.why}; the others go on as they were")
    click.echo("all replicas are new")


def _begun(data_dir: Path, before: ReplicasState) -> ReplicasState:
    """Wait until the keeper has begun; raises ``NoReplicas``."""
    deadline_s = time.monotonic() + BEGIN_S
    while (state := read_state(data_dir)).restarts == before.restarts:
        if time.monotonic() > deadline_s:
            raise NoReplicas(f"process {before.pid} did not begin to restart within {BEGIN_S:g} s")
        time.sleep(LOOK_S)
    return state


def _tell(state: ReplicasState, told: dict[str, int]) -> dict[str, int]:
    """Tell which replicas have a new process that takes clients; returns the processes that are known now."""
    for replica in state.replicas:
        if replica.pid != told.get(replica.name):
            click.echo(f"{replica.name}: process {replica.pid}")
    return {replica.name: replica.pid for replica in state.replicas}
