"""Runs a command under the system calls that the unit allows: confine.py UNIT COMMAND [ARGUMENT]...

Takes SystemCallFilter=, RestrictAddressFamilies= and MemoryDenyWriteExecute= from the unit, systemd's own sets from
`systemd-analyze syscall-filter`, and answers what is not allowed as systemd does.
"""

import errno
import os
import socket
import subprocess
import sys

import seccomp

unit = [line.strip() for line in open(sys.argv[1]) if "=" in line and not line.startswith("#")]


def settings(name):
    return [line.split("=", 1)[1] for line in unit if line.startswith(name + "=")]


def calls(name):
    """The system calls that a name of the filter stands for."""
    if not name.startswith("@"):
        return {name}
    said = subprocess.run(["systemd-analyze", "syscall-filter", name], check=True, capture_output=True, text=True)
    members = [line.strip() for line in said.stdout.splitlines()[1:]]
    return set().union(*(calls(member) for member in members if member and not member.startswith("#")))


allowed = set()
for words in settings("SystemCallFilter"):
    named = set().union(*(calls(name) for name in words.lstrip("~").split()))
    allowed = allowed - named if words.startswith("~") else allowed | named
assert "read" in allowed and "mount" not in allowed, "the filter is not what it seems"
# systemd lets these through in any case, to start the program.
allowed |= {"execve", "exit", "exit_group", "rt_sigreturn"}

refused = settings("SystemCallErrorNumber")
refused = getattr(errno, refused[0]) if refused else errno.EPERM
confinement = seccomp.SyscallFilter(seccomp.ERRNO(refused))
conditional = {}
families = {getattr(socket, name) for name in settings("RestrictAddressFamilies")[0].split()}
assert families, "the unit names families"
for name in sorted(allowed - {"socket", "mmap", "mprotect", "pkey_mprotect"}):
    try:
        confinement.add_rule(seccomp.ALLOW, name)
    except (OSError, RuntimeError):
        # Of another architecture.
        pass
for family in families:
    confinement.add_rule(seccomp.ALLOW, "socket", seccomp.Arg(0, seccomp.EQ, family))
PROT_WRITE, PROT_EXEC = 2, 4
both = PROT_WRITE | PROT_EXEC
if settings("MemoryDenyWriteExecute") == ["yes"]:
    for protection in (0, PROT_WRITE, PROT_EXEC):
        confinement.add_rule(seccomp.ALLOW, "mmap", seccomp.Arg(2, seccomp.MASKED_EQ, both, protection))
    confinement.add_rule(seccomp.ALLOW, "mprotect", seccomp.Arg(2, seccomp.MASKED_EQ, PROT_EXEC, 0))
else:
    for name in ("mmap", "mprotect"):
        confinement.add_rule(seccomp.ALLOW, name)
confinement.load()
os.execv(sys.argv[2], sys.argv[2:])
