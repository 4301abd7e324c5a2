"""A bad disk under a server (tests/support/fault-disk.c), and what a power cut leaves of a state directory."""
import mmap
import os
import shutil
import struct
import tempfile

FIELDS = ["write_ms", "sync_ms", "failed_sync", "is_full", "eio_permille", "is_journaling"]


class Disk:
    """Gives a server its environment, and says how the disk behaves from now on."""

    def __init__(self, module, state, keeps=False):
        self.state = os.path.realpath(state)
        self.folder = tempfile.mkdtemp(prefix="manabi-disk-")
        self.durable = os.path.join(self.folder, "durable")
        os.mkdir(self.durable)
        control = os.path.join(self.folder, "control")
        with open(control, "wb") as file:
            file.write(bytes(4096))
        self.file = open(control, "r+b")
        self.map = mmap.mmap(self.file.fileno(), 4096)
        self.env = {"LD_PRELOAD": module, "MNB_FAULT_ROOT": self.state, "MNB_FAULT_CONTROL": control}
        if keeps:
            self.env["MNB_FAULT_DURABLE"] = self.durable

    def set(self, **values):
        for name, value in values.items():
            struct.pack_into("i", self.map, 4 * FIELDS.index(name), value)

    def get(self, name):
        return struct.unpack_from("i", self.map, 4 * FIELDS.index(name))[0]

    def keep_all(self):
        """Everything as it is now is durable: the machine was up for a while."""
        for folder, names, files in os.walk(self.state):
            self.keep_folder(folder)
            for name in files:
                path = os.path.join(folder, name)
                info = os.lstat(path)
                if os.path.isfile(path) and not os.path.islink(path):
                    shutil.copyfile(path, os.path.join(self.durable, f"i{info.st_ino}"))
            del names
        self.set(is_journaling=1)

    def keep_folder(self, folder):
        with open(os.path.join(self.durable, f"d{os.lstat(folder).st_ino}"), "wb") as out:
            for entry in os.scandir(folder):
                out.write(entry.name.encode() + b"\0" + str(entry.inode()).encode() + b"\0")

    def cut_power(self, target, has_zeros):
        """Builds in @target what the disk holds. Every process of the server must be dead.

        @has_zeros: sizes had reached the disk, the bytes behind the last sync had not (they read as 0)."""
        def build(inode, out):
            kept = os.path.join(self.durable, f"d{inode}")
            names = b""
            if os.path.exists(kept):
                with open(kept, "rb") as file:
                    names = file.read()
            os.makedirs(out, mode=0o700, exist_ok=True)
            parts = names.split(b"\0")[:-1]
            for name, number in zip(parts[0::2], parts[1::2]):
                self.build_entry(name.decode(), int(number), out, build, has_zeros)
        self.live = {os.lstat(os.path.join(folder, name)).st_ino: os.path.join(folder, name)
                     for folder, dirs, files in os.walk(self.state) for name in dirs + files}
        build(os.lstat(self.state).st_ino, target)

    def build_entry(self, name, inode, out, build, has_zeros):
        path, live = os.path.join(out, name), self.live.get(inode)
        kept = os.path.join(self.durable, f"i{inode}")
        if live is not None and os.path.isdir(live) and not os.path.islink(live):
            build(inode, path)
            return
        if live is not None and not os.path.isfile(live):
            return  # a socket
        if os.path.exists(kept):
            shutil.copyfile(kept, path)
        else:
            open(path, "wb").close()
        if live is None:
            return  # removed or replaced since, which was not synced
        os.chmod(path, os.lstat(live).st_mode & 0o777)
        if has_zeros and name.endswith(".mkv") and os.path.getsize(live) > os.path.getsize(path):
            os.truncate(path, os.path.getsize(live))

    def close(self):
        self.map.close()
        self.file.close()
        shutil.rmtree(self.folder, ignore_errors=True)
