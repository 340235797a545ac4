"""The docker client, as a user has it."""

import json
import subprocess


def docker(*arguments, check=True, deadline=300, **options):
    """What the command says, on both its outputs."""
    done = subprocess.run(["docker", *arguments], text=True, stdin=subprocess.DEVNULL, timeout=deadline,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **options)
    if check and done.returncode != 0:
        raise AssertionError(f"docker {' '.join(arguments)}: status {done.returncode}\n{done.stdout}")
    return done.stdout


def status_of(*arguments, deadline=300):
    """The command's exit status and what it said."""
    done = subprocess.run(["docker", *arguments], text=True, stdin=subprocess.DEVNULL, timeout=deadline,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.returncode, done.stdout


def inspect(name):
    return json.loads(docker("inspect", name))[0]


def has_image(name):
    return status_of("image", "inspect", name)[0] == 0
