"""What a program can do that has been confined, if it tries: Python code with ctypes at hand, against the kernel."""

import os
import select
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path

import pytest
from confined_world import NO_NAMESPACES, confined

import freehold
from freehold.kit.confined import usage

X86 = os.uname().machine == "x86_64"
only_x86 = pytest.mark.skipif(not X86, reason="the numbers of the calls that are tried are those of x86-64")


def test_it_sees_its_folder_an_interpreter_and_nothing_of_the_owner(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("hush")
    paths = [str(tmp_path / "secret.txt"), "/etc/shadow", "/proc/self/environ", f"/proc/{os.getpid()}/environ"]
    paths += [str(Path.home()), "/home", "/var", "/run", "/sys", "/usr/bin", "/etc/ssl/private", __file__]
    source = f"""
tell({{path: said(lambda: os.stat(path)) for path in {paths}}})
tell([open("/etc/passwd").read(), sorted(os.listdir("/given")), os.getuid(), os.getpid(), os.getppid()])
import ssl, sqlite3, zoneinfo, decimal, uuid, threading
tell([bool(ssl.create_default_context()), str(zoneinfo.ZoneInfo("Europe/Berlin"))])
tell([number for number in range(1024) if "Bad" not in said(lambda: os.fstat(number))])
"""
    with confined(source, environment={"MINE": "1"}) as program:
        found = program.line()
        # Where the interpreter lies in a home, the names of the folders on the way to it are there, and are empty.
        on_the_way = {path for path in found if sys.base_prefix.startswith(path)}
        assert {found[path] for path in set(found) - on_the_way} == {"FileNotFoundError: No such file or directory"}
        passwd, listed, uid, pid, parent = program.line()
        assert (passwd.count("\n"), listed) == (1, ["program.py"])
        assert (uid, pid, parent) == (1000, 2, 1)
        assert program.line() == [True, "Europe/Berlin"]
        assert program.line() == [0, 1, 2, 3], "no descriptor of ours is open"
        assert program.process.wait(60) == 0


def test_it_writes_to_a_small_folder_of_its_own_and_nowhere_else() -> None:
    source = """
tell({path: said(lambda: open(path, "w")) for path in ("/given/x", "/given/program.py", "/x", "/usr/lib/x", "/dev/x")})
tell(said(lambda: open("/tmp/x", "w").write("fine")))
def fill():
    with open("/tmp/large", "wb") as file:
        while True:
            file.write(b"x" * (1 << 20))
tell(said(fill))
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
"""
    with confined(source, temporary_megabytes=8, file_megabytes=64) as program:
        assert set(program.line().values()) == {"OSError: Read-only file system"}
        assert program.line() == "4"
        assert program.line() == "OSError: No space left on device"
        assert program.process.wait(60) == 0


def test_a_folder_that_it_may_write_holds_no_program_and_no_device(tmp_path: Path) -> None:
    source = """
open("/kept/file", "w").write("#!/bin/sh\\n")
os.chmod("/kept/file", 0o777)
tell([said(lambda: os.execv("/kept/file", ["x"])), said(lambda: os.mknod("/kept/null", 0o20666, os.makedev(1, 3)))])
tell([said(lambda: os.chmod("/kept/file", 0o4755)), said(lambda: os.open("/kept/x", os.O_CREAT | os.O_WRONLY, 0o4755))])
tell([said(lambda: os.link("/given/program.py", "/kept/link")), said(lambda: os.rename("/kept", "/given/x"))])
"""
    with confined(source, writable=((str(tmp_path), "/kept"),)) as program:
        assert program.line() == ["PermissionError: Permission denied", "PermissionError: Operation not permitted"]
        assert set(program.line()) == {"PermissionError: Operation not permitted"}, "it would run as us outside"
        linked, moved = program.line()
        assert "cross-device" in linked
        assert "OSError" in moved
        assert program.process.wait(60) == 0
    assert (tmp_path / "file").read_text() == "#!/bin/sh\n"


def test_the_machines_devices_stay_as_they_are() -> None:
    source = """
found = {name: said(lambda: os.chmod(f"/dev/{name}", 0o666)) for name in ("null", "full", "random", "urandom")}
found |= {"input": said(lambda: os.fchmod(0, 0o666)), "times": said(lambda: os.utime(0))}
tell(found)
tell([sys.stdin.read(), open("/dev/null", "w").write("x"), said(lambda: open("/dev/full", "w", 1).write("x\\n"))])
"""
    with confined(source) as program:
        assert set(program.line().values()) == {"OSError: Read-only file system"}
        assert program.line() == ["", 1, "OSError: No space left on device"]


def test_it_starts_threads_and_no_process() -> None:
    source = """
import subprocess, threading, multiprocessing
tell([said(os.fork), said(lambda: subprocess.run(["/usr/bin/id"])), said(lambda: os.system("id") != 0)])
found = []
thread = threading.Thread(target=lambda: found.append("ran")); thread.start(); thread.join()
tell(found)
tell(said(lambda: os.execv("/bin/sh", ["sh"])))
"""
    with confined(source) as program:
        refused = "PermissionError: Operation not permitted"
        assert program.line() == [refused, refused, "True"]
        assert program.line() == ["ran"]
        assert program.line() == "FileNotFoundError: No such file or directory"


@only_x86
def test_the_kernels_doors_are_closed() -> None:
    source = """
tell({
    "clone": call(56, 17, 0, 0, 0, 0), "clone a user namespace": call(56, 0x10000000 | 17, 0, 0, 0, 0),
    "fork": call(57), "vfork": call(58), "unshare user": call(272, 0x10000000), "unshare files": call(272, 0x20000),
    "setns": call(308, 0, 0), "mount": call(165, b"x", b"/tmp", b"tmpfs", 0, 0), "umount": call(166, b"/", 2),
    "pivot_root": call(155, b".", b"."), "chroot": call(161, b"/tmp"), "ptrace": call(101, 16, 1, 0, 0),
    "process_vm_readv": call(310, 1, 0, 0, 0, 0, 0), "bpf": call(321, 0, 0, 0), "keyctl": call(250, 0, 0),
    "perf_event_open": call(298, 0, 0, 0, 0, 0), "userfaultfd": call(323, 0), "io_uring_setup": call(425, 8, 0),
    "open_tree": call(428, -100, b"/", 1), "open_by_handle_at": call(304, 0, 0, 0), "init_module": call(175, 0, 0, 0),
    "personality": call(135, 0), "pidfd_getfd": call(438, 0, 0, 0), "pidfd_open": call(434, 1, 0),
})
tell({"clone3": call(435, 0, 0), "x32 getpid": call(0x40000000 | 39), "mount_setattr": call(442, 0, b"", 0, 0, 0),
      "statmount": call(457, 0, 0, 0, 0), "a call of the future": call(600)})
tell([call(126, (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)(*[0xffffffff] * 6)),
      said(lambda: os.setuid(0)), said(lambda: os.setgroups([])), said(lambda: socket.sethostname("x"))])
"""
    with confined(source) as program:
        closed = program.line()
        assert set(closed.values()) == {"Operation not permitted"}, closed
        assert set(program.line().values()) == {"Function not implemented"}
        rights = program.line()
        assert "Operation not permitted" in rights[0]
        assert all("ermitted" in said or "Invalid" in said for said in rights[1:]), rights


@only_x86
def test_nothing_of_the_kernels_is_held_that_counts_for_nobody() -> None:
    source = """
import mmap
context = ctypes.c_ulong(0)
tell({
    "memfd_create": call(319, b"x", 0), "shmget": call(29, 0, 4096, 0o1600), "semget": call(64, 0, 32000, 0o1600),
    "msgget": call(68, 0, 0o1600), "mq_open": call(240, b"x", 0o102, 0o600, 0),
    "io_setup": call(206, 60000, ctypes.byref(context)), "inotify_init1": call(294, 0), "sync": call(162),
    "fanotify_init": call(300, 0x200, 0), "shared memory": said(lambda: mmap.mmap(-1, 4096)).partition(": ")[2],
})
private = mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
with open("/tmp/x", "w+b") as file:
    file.truncate(4096)
    tell([len(private), len(mmap.mmap(file.fileno(), 4096)), said(lambda: os.stat("/dev/zero"))[:17]])
tell(said(lambda: mmap.mmap(-1, 1 << 40, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000)))
"""
    with confined(source) as program:
        closed = program.line()
        assert set(closed.values()) == {"Operation not permitted"}, closed
        assert program.line() == [4096, 4096, "FileNotFoundError"]
        assert program.line() == "OSError: Cannot allocate memory"


def test_what_waits_in_sockets_is_little() -> None:
    source = """
def taken(sender):
    sender.setblocking(False)
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 << 20)
    total = 0
    try:
        while True:
            total += sender.send(b"x" * 65536)
    except BlockingIOError:
        return total
listener = socket.create_server(("127.0.0.1", 0))
sender = socket.create_connection(listener.getsockname())
receiver = listener.accept()[0]
tell(taken(sender))
pair = socket.socketpair()
sizes = [pair[0].getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)]
taken(pair[0])
tell([*sizes, pair[0].getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)])
"""
    with confined(source) as program:
        assert program.line() < 1 << 20
        before, after = program.line()
        assert before == after


def test_what_it_uses_is_seen_whatever_it_calls_itself() -> None:
    source = r"""
libc.prctl(15, b"\xff\xfe) R (", 0, 0, 0)
held = b"x" * (100 << 20)
tell("held")
serving = socket.socket(fileno=3)
serving.listen()
serving.accept()
"""
    with confined(source) as program:
        assert program.line() == "held"
        used = usage(program.process.pid)
        assert used is not None
        assert used.memory_bytes > 100 << 20


def test_the_first_process_keeps_nothing_that_could_be_taken_from_it() -> None:
    with confined("s = socket.socket(fileno=3); s.listen(); tell('runs'); s.accept()") as program:
        assert program.line() == "runs"
        first = _child(program.process.pid)
        for kind in ("mnt", "net", "pid", "ipc", "uts", "user"):
            own, inside, ours = (Path(f"/proc/{pid}/ns/{kind}").readlink() for pid in (first, _child(first), "self"))
            assert own == inside != ours, kind
        assert "CapEff:\t0000000000000000\n" in _status(first)
        deadline = time.monotonic() + 60
        while "Seccomp:\t2\n" not in _status(first):
            assert time.monotonic() < deadline, "the program was started before"
            time.sleep(0.01)


def test_no_network_but_its_own_loopback_is_there() -> None:
    name = f"freehold-test-{os.getpid()}"
    with (
        socket.create_server(("127.0.0.1", 0)) as ours,
        socket.socket(socket.AF_UNIX) as abstract,
        socket.socket(socket.AF_UNIX) as named,
        tempfile.TemporaryDirectory(prefix="fh-test-") as folder,
    ):
        abstract.bind(f"\0{name}")
        abstract.listen()
        named.bind(f"{folder}/open")
        named.listen()
        source = f"""
def tcp(host, port):
    return socket.create_connection((host, port), 5)
def unix(path):
    found = socket.socket(socket.AF_UNIX)
    found.connect(path)
    return found
tell({{
    "ours": said(lambda: tcp("127.0.0.1", {ours.getsockname()[1]})), "ours6": said(lambda: tcp("::1", 1)),
    "metadata": said(lambda: tcp("169.254.169.254", 80)), "outside": said(lambda: tcp("1.1.1.1", 443)),
    "abstract": said(lambda: unix("\\0{name}")), "named": said(lambda: unix("{folder}/open")),
    "upwards": said(lambda: unix("/../../..{folder}/open")),
    "name": said(lambda: socket.getaddrinfo("example.com", 80)),
    "interfaces": said(lambda: [item[1] for item in socket.if_nameindex()]),
}})
tell([said(lambda family=family: socket.socket(family, kind)) for family, kind in
      ((40, 1), (16, 3), (17, 3), (38, 5), (31, 1), (44, 3), (29, 3))] + [said(lambda: socket.socketpair(30))])
tell([said(lambda protocol=protocol: socket.socket(2, kind, protocol)) for kind, protocol in
      ((1, 262), (1, 132), (6, 33), (2, 136), (2, 1), (1, 256), (2, 115))])
tell([said(lambda: socket.socket(2, 3, 6)), said(lambda: tcp("127.0.0.1", 5432)).split()[0]])
"""
        with confined(source) as program:
            found = program.line()
            assert found["ours"] == "ConnectionRefusedError: Connection refused"
            assert {found["metadata"], found["outside"]} == {"OSError: Network is unreachable"}
            assert found["abstract"] == "ConnectionRefusedError: Connection refused"
            assert found["named"] == found["upwards"] == "FileNotFoundError: No such file or directory"
            assert "not known" in found["name"] or "failure" in found["name"]
            assert set(program.line()) == {"OSError: Address family not supported by protocol"}
            assert set(program.line()) == {"OSError: Protocol not supported"}
            assert program.line() == ["PermissionError: Operation not permitted", "<socket.socket"]
            assert program.process.wait(60) == 0


def test_its_ports_are_ours_to_answer_and_its_socket_is_its_own() -> None:
    source = """
with socket.create_connection(("localhost", 3128)) as asked:
    asked.sendall(b"who")
    tell(asked.recv(9).decode())
tell(said(lambda: socket.create_server(("127.0.0.1", 5432))))
serving = socket.socket(fileno=3)
serving.listen()
tell("listening")
with serving.accept()[0] as client:
    client.sendall(b"served")
"""
    with confined(source) as program:
        with program.listeners[1].accept()[0] as client:
            assert client.recv(9) == b"who"
            client.sendall(b"you")
        assert program.line() == "you"
        assert "in use" in program.line()
        assert program.line() == "listening"
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(program.socket))
            assert client.recv(9) == b"served"


def test_two_programs_do_not_reach_each_other() -> None:
    first = """
server = socket.create_server(("127.0.0.1", 8080)); open("/tmp/mine", "w").write("x"); tell("ready")
unix = socket.socket(socket.AF_UNIX); unix.bind("\\0mine"); unix.listen()
server.accept()
"""
    second = """
unix = socket.socket(socket.AF_UNIX)
tell([said(lambda: socket.create_connection(("127.0.0.1", 8080), 5)), said(lambda: os.stat("/tmp/mine")),
      said(lambda: unix.connect("\\0mine")), said(lambda: os.kill(3, 9))])
"""
    with confined(first) as one, confined(second) as other:
        assert one.line() == "ready"
        refused = "ConnectionRefusedError: Connection refused"
        gone = "FileNotFoundError: No such file or directory"
        assert other.line() == [refused, gone, refused, "ProcessLookupError: No such process"]
        assert one.process.poll() is None


def test_the_starter_is_neither_signalled_nor_looked_into() -> None:
    source = f"""
targets = ({os.getpid()}, {os.getppid()}, 3)
tell([said(lambda: os.kill(target, 9)) for target in targets])
tell([said(lambda: os.sched_getaffinity({os.getpid()})), said(lambda: os.getsid(0) in (0, 1))])
"""
    with confined(source) as program:
        assert set(program.line()) == {"ProcessLookupError: No such process"}
        assert program.line() == ["ProcessLookupError: No such process", "True"]


STAYS = """
import signal, threading, time
for each in range(1, 32):
    if each not in (9, 19):
        signal.signal(each, signal.SIG_IGN)
os.setsid()
ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)
said(lambda: [os.kill(1, number) for number in (9, 19, 15, 2, 3, 1)])
anew = f"import json, time; print(json.dumps('waiting'), flush=True); time.sleep(1000)"
threading.Thread(target=lambda: os.execv(sys.executable, [sys.executable, "-I", "-S", "-c", anew])).start()
time.sleep(1000)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "asked to end"])
def test_it_dies_with_its_launcher_however_it_tries_to_stay(number: int) -> None:
    with confined(STAYS) as program:
        assert program.line() == "waiting"
        first = _child(program.process.pid)
        held = [os.pidfd_open(pid) for pid in (first, _child(first))]
        program.process.send_signal(number)
        program.process.wait(60)
        assert all(_ended(pidfd) for pidfd in held)
        assert program.process.stdout is not None
        assert program.process.stdout.read() == "", "nobody holds its output open"


def _status(pid: int) -> str:
    return Path(f"/proc/{pid}/status").read_text()


def test_it_dies_with_who_started_the_launcher() -> None:
    starts = "import subprocess, sys; subprocess.Popen(sys.argv[1:]).wait()"
    with confined(STAYS, prefix=(sys.executable, "-I", "-S", "-c", starts)) as program:
        assert program.line() == "waiting"
        launcher = _child(program.process.pid)
        first = _child(launcher)
        held = [os.pidfd_open(pid) for pid in (launcher, first, _child(first))]
        program.process.kill()
        assert all(_ended(pidfd) for pidfd in held)


def _child(pid: int) -> int:
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text())


def _ended(pidfd: int) -> bool:
    found = select.select([pidfd], [], [], 60)[0]
    os.close(pidfd)
    return bool(found)


def test_an_interpreter_that_is_reached_by_a_link_is_found(tmp_path: Path) -> None:
    (tmp_path / "python").symlink_to(getattr(sys, "_base_executable", sys.executable))
    with confined("tell(sys.version_info[:2])", python=str(tmp_path / "python")) as program:
        assert program.line() == list(sys.version_info[:2])


def test_its_end_is_told() -> None:
    with confined("sys.exit(7)") as program:
        assert program.process.wait(60) == 7
    with confined("ctypes.string_at(0)") as program:
        assert program.process.wait(60) == 128 + signal.SIGSEGV


def test_where_the_kernel_refuses_nothing_runs_and_the_reason_is_told() -> None:
    prefix = (sys.executable, "-I", "-S", "-c", NO_NAMESPACES, str(Path(freehold.__file__).parents[1]))
    with confined("tell('it runs')", prefix=prefix) as program:
        assert program.told["missing"].startswith("this machine allows no user namespaces")
        assert program.told["hint"].startswith("echo user.max_user_namespaces=10000 | sudo tee ")
        assert (program.listeners, program.line()) == ((), None)
        assert program.process.wait(60) == 125
