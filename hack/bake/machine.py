"""Machines that are real: namespaces on this host with an address, an OpenSSH server, a Docker engine
and a containerd each, and disks that are folders.

A machine's processes are in a process namespace that dies with the program that started it, also
when that is killed; its mounts go with them. Folders and empty control groups are left: sweep.
    machine.py FOLDER       removes what a host in FOLDER has left
"""

import ctypes
import glob
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8"}
SSH_PORT = 22
BOOT_LIMIT = 60  # seconds
PR_SET_PDEATHSIG = 1


class Host:
    """Where machines run: a folder, and a net of loopback that is this process' own."""

    def __init__(self, folder, engines):
        self.folder, self.engines, self.taken = os.path.abspath(folder), engines, set()
        self.group = os.path.basename(self.folder)
        # Hosts run beside each other, and one whose machine is stopped has to find its address free.
        self.net = f"127.{1 + (os.getpid() >> 8) % 254}.{os.getpid() & 255}"
        # The death signal comes when the thread that forked ends: one thread forks for all.
        self.forker = ThreadPoolExecutor(1, "forker")
        self.libc = ctypes.CDLL(None)

    def fork(self, argv, log):
        def before():
            os.setsid()
            self.libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

        def start():
            return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=before, cwd="/", env=ENVIRONMENT)

        return self.forker.submit(start).result()

    def address(self):
        for n in range(1, 255):
            ip = f"{self.net}.{n}"
            if ip not in self.taken and free(ip):
                self.taken.add(ip)
                return ip
        raise RuntimeError(f"no address of {self.net}.0/24 has a free port {SSH_PORT}; does an SSH server listen on all of them?")


def free(ip):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind((ip, SSH_PORT))
        except OSError:
            return False
    return True


class Machine:
    """One machine. What it is told to do it does in order, in a thread of its own."""

    def __init__(self, host, name, image, keys):
        self.host, self.name, self.image, self.keys = host, name, image, keys
        self.ip, self.at = host.address(), f"{host.folder}/machines/{name}"
        self.process = self.first = None
        self.console = ""
        self.orders = ThreadPoolExecutor(1, name)

    def boot(self):
        if not os.path.isdir(self.at):
            self.unpack()
        with open(f"{self.at}/init.log", "ab") as log:
            argv = ["unshare", "--mount", "--pid", "--uts", "--fork", "--kill-child=KILL", "--mount-proc", "--propagation", "private"]
            hostname = "ip-" + self.ip.replace(".", "-")
            self.process = self.host.fork([*argv, "/bin/sh", f"{HERE}/init.sh", self.at, hostname, self.host.engines], log)
        self.wait("its first process", self.find_first)
        self.wait("SSH", self.ssh_answers)
        self.wait("Docker", self.docker_answers)
        self.wait("containerd", self.containerd_answers)
        self.console += self.boot_text()

    def unpack(self):
        """Lays the disk of the image down, and writes what is the machine's own."""
        os.makedirs(self.at)
        for part in ("disk", "data"):
            if self.image:
                copy(f"{self.image}/{part}", f"{self.at}/{part}")
            else:
                os.mkdir(f"{self.at}/{part}")
        for kind in ("ed25519", "ecdsa"):
            subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "root@" + self.name, "-f", f"{self.at}/ssh_host_{kind}_key"], check=True)
        write(f"{self.at}/authorized_keys", "".join(key + "\n" for key in self.keys))
        write(f"{self.at}/sshd_config", SSHD.format(ip=self.ip, at=self.at, port=SSH_PORT))
        engine = {"hosts": ["unix:///run/docker.sock"], "iptables": False, "ip6tables": False, "bridge": "none", "ip-forward": False}
        engine |= {"ip-masq": False, "userland-proxy": False, "storage-driver": "overlay2", "cgroup-parent": f"/{self.host.group}/{self.name}"}
        write(f"{self.at}/daemon.json", json.dumps(engine))
        write(f"{self.at}/containerd.toml", CONTAINERD)

    def wait(self, what, there):
        end = time.monotonic() + BOOT_LIMIT
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            if there():
                return
            time.sleep(0.03)
        raise RuntimeError(f"{self.name}: {what} did not come up\n{self.logs()}")

    def logs(self):
        return "".join(f"{name}:\n{tail(name)}" for name in glob.glob(f"{self.at}/*.log"))

    def find_first(self):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as f:
            children = f.read().split()
        self.first = int(children[0]) if children else None
        return self.first

    def ssh_answers(self):
        try:
            with socket.create_connection((self.ip, SSH_PORT), 1) as s:
                s.settimeout(1)
                return s.recv(4) == b"SSH-"
        except OSError:
            return False

    def docker_answers(self):
        return b"200" in self.asked("docker.sock", b"GET /_ping HTTP/1.0\r\n\r\n")

    def containerd_answers(self):
        # The preface of HTTP/2 and an empty SETTINGS frame, which the server answers with its own.
        return self.asked("containerd/containerd.sock", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0")

    def asked(self, name, question):
        """What a socket below the machine's /run answers, at least in part."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(5)
            try:
                s.connect(f"/proc/{self.first}/root/run/{name}")
                s.sendall(question)
                return s.recv(64)
            except OSError:
                return b""

    def boot_text(self):
        """The console after a boot, as cloud-init ends it."""
        keys = [read(f"{self.at}/ssh_host_{kind}_key.pub").strip() for kind in ("ecdsa", "ed25519")]
        return "\r\n".join(["-----BEGIN SSH HOST KEY KEYS-----", *keys, "-----END SSH HOST KEY KEYS-----", ""])

    def halt(self, hard=False):
        if self.process is None:
            return
        if self.process.poll() is None:
            signalled(self.first, signal.SIGKILL if hard else signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            signalled(self.first, signal.SIGKILL)
            self.process.wait()
        self.process = self.first = None

    def save(self, to):
        """Copies the disk, as an image of it."""
        os.makedirs(to)
        for part in ("disk", "data"):
            copy(f"{self.at}/{part}", f"{to}/{part}")

    def destroy(self):
        self.halt(hard=True)
        remove(self.at)
        ungroup(f"{self.host.group}/{self.name}")

    def inside(self, argv):
        """The command line that runs argv as root on the machine, as the SSM agent does."""
        return ["nsenter", "-t", str(self.first), "-m", "-p", "-u", "env", "-i", *(f"{k}={v}" for k, v in ENVIRONMENT.items()), *argv]


SSHD = """Port {port}
ListenAddress {ip}
HostKey {at}/ssh_host_ed25519_key
HostKey {at}/ssh_host_ecdsa_key
PidFile none
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
PermitRootLogin prohibit-password
MaxStartups 100
"""

# As EKS' images of Amazon Linux 2023 have it: layers are kept unpacked alone.
CONTAINERD = """version = 3
[plugins."io.containerd.cri.v1.images"]
discard_unpacked_layers = true
[plugins."io.containerd.cri.v1.runtime"]
restrict_oom_score_adj = true
"""


def copy(source, to):
    subprocess.run(["cp", "-a", "--reflink=auto", source, to], check=True)


def remove(folder):
    subprocess.run(["rm", "-rf", folder], check=True)


def read(name):
    with open(name) as f:
        return f.read()


def write(name, text):
    with open(name, "w") as f:
        f.write(text)


def tail(name):
    with open(name, errors="replace") as f:
        return "".join(f.readlines()[-20:])


def signalled(pid, sig):
    try:
        os.kill(pid, sig)
    except (ProcessLookupError, TypeError):
        pass


def ungroup(group):
    """Removes control groups, with whatever still runs in them."""
    for top in glob.glob(f"/sys/fs/cgroup/*/{group}") + glob.glob(f"/sys/fs/cgroup/{group}"):
        for folder, _, _ in os.walk(top, topdown=False):
            for _ in range(50):
                try:
                    os.rmdir(folder)
                    break
                except OSError:
                    for pid in read(f"{folder}/cgroup.procs").split():
                        signalled(int(pid), signal.SIGKILL)
                    time.sleep(0.02)


def sweep(folder):
    """Removes what a host in the folder has left, once the kernel has ended its processes."""
    ungroup(os.path.basename(os.path.abspath(folder)))
    for _ in range(50):
        shutil.rmtree(folder, ignore_errors=True)
        if not os.path.exists(folder):
            return
        time.sleep(0.1)
    raise RuntimeError(f"{folder}: something is left")


if __name__ == "__main__":
    sweep(sys.argv[1])
