"""The unit that is shipped for systemd: what it runs exists, and what it says fits what the product does."""

from __future__ import annotations

import shlex
import subprocess
import sysconfig
from importlib.metadata import entry_points
from pathlib import Path

import typer
import typer.core

from tongdai.app.commands import app
from tongdai.app.process import MOST_FILES

UNIT = Path(__file__).parents[3] / "packaging" / "tongdai.service"
PROGRAM = Path("/opt/tongdai/current/bin/tongdai")
DATA = "/var/lib/tongdai"


def directives() -> dict[str, str]:
    """Each stands once, so that the section does not matter."""
    lines = [line for line in UNIT.read_text("utf-8").splitlines() if "=" in line and line[0] not in "#["]
    found = dict(line.split("=", 1) for line in lines)
    assert len(found) == len(lines), "a directive stands twice"
    return found


def test_it_runs_a_command_that_there_is_with_options_that_it_has():
    program, command, *options = shlex.split(directives()["ExecStart"])
    assert Path(program) == PROGRAM
    assert [x.load().__module__ for x in entry_points(group="console_scripts", name=PROGRAM.name)] == [
        "tongdai.app.cli"
    ]
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    known = {name for parameter in group.commands[command].params for name in parameter.opts}
    assert {option for option in options if option.startswith("-")} <= known
    assert options[options.index("--data") + 1] == DATA


def test_what_is_installed_is_what_it_runs():
    """The command and the engine lie side by side, as in the environment that the unit names."""
    scripts = Path(sysconfig.get_path("scripts"))
    for name in (PROGRAM.name, "tongdai-media"):
        done = subprocess.run(
            [str(scripts / name), "--help"], capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, f"{name}: {done.stdout}{done.stderr}"


def test_it_leaves_the_processes_alone_that_go_on_with_calls():
    said = directives()
    assert (said["KillMode"], said["OOMPolicy"], said["Restart"]) == ("process", "continue", "always")
    assert said["StartLimitIntervalSec"] == "0"
    assert said["Type"] == "notify", "a reload must wait for a supervisor that listens to the signal"
    assert said["ExecReload"] == "/bin/kill -HUP $MAINPID"
    assert "PrivateTmp" not in said, "a supervisor that is started again would have another one"
    state = [f"/var/lib/{name}" for name in said["StateDirectory"].split()]
    assert state[0] == DATA
    assert said["Environment"] == f"TMPDIR={state[1]}"
    assert int(said["LimitNOFILE"]) >= MOST_FILES


def test_systemd_takes_it(tmp_path: Path):
    installed = Path(sysconfig.get_path("scripts")) / PROGRAM.name
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text("utf-8").replace(str(PROGRAM), str(installed)))
    command = ["systemd-analyze", "verify", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
