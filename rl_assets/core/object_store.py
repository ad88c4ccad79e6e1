"""Log files in an object store as paths: the part of `pathlib.Path` that logs need, on Arrow's file systems.

Endpoint and credentials come from the environment, as for the lake: AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID,
AWS_REGION and the like, or the credentials of the machine.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple

import pyarrow as pa
from pyarrow.fs import FileInfo, FileSelector, FileSystem, FileType, LocalFileSystem

BLOCK_BYTES = 4 * 2**20


class Status(NamedTuple):
    """Size in bytes and time of change in ns."""

    st_size: int
    st_mtime_ns: int


@lru_cache(maxsize=8)
def _file_system(root: str) -> tuple[FileSystem, str]:
    """The file system of a URL, and its path there."""
    files, path = FileSystem.from_uri(root)
    return files, path


@dataclass(frozen=True, order=True)
class ObjectPath:
    """The object or folder `key` below the URL `root`; each method is that of `pathlib.Path`, and raises OSError."""

    root: str
    key: str = ""

    def __str__(self) -> str:
        return f"{self.root.rstrip('/')}/{self.key}" if self.key else self.root

    def __truediv__(self, name: str) -> "ObjectPath":
        return ObjectPath(self.root, f"{self.key}/{name}" if self.key else name)

    @property
    def name(self) -> str:
        return PurePosixPath(self.key).name

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.key).suffix

    def is_dir(self) -> bool:
        return bool(self._info().type == FileType.Directory)

    def stat(self) -> Status:
        """Raises FileNotFoundError if there is no such object."""
        info = self._info()
        if info.type != FileType.File:
            raise FileNotFoundError(f"there is no object {self}")
        return _status(info)

    def open(self, mode: Literal["rb"] = "rb") -> pa.NativeFile:
        files, root = _file_system(self.root)
        file: pa.NativeFile = files.open_input_file(self._below(root))
        return file

    def put(self, source: Path) -> None:
        """Write a local file as this object, whole; OSError unless the store confirms its size."""
        files, root = _file_system(self.root)
        target = self._below(root)
        # Only a file system shows an object before it is complete.
        written = f"{PurePosixPath(target).parent}/.{self.name}" if isinstance(files, LocalFileSystem) else target
        if written != target:
            files.create_dir(str(PurePosixPath(target).parent), recursive=True)
        with source.open("rb") as file, files.open_output_stream(written) as stream:
            while block := file.read(BLOCK_BYTES):
                stream.write(block)
        if written != target:
            files.move(written, target)
        if (size := self.stat().st_size) != source.stat().st_size:
            raise OSError(f"{self} has {size} bytes after the upload of {source.stat().st_size}: upload it again")

    def _info(self) -> FileInfo:
        files, root = _file_system(self.root)
        return files.get_file_info(self._below(root))

    def _below(self, root: str) -> str:
        return f"{root.rstrip('/')}/{self.key}" if self.key else root


@dataclass(frozen=True)
class ObjectEntry:
    """One entry of a listing, with the interface of `os.DirEntry`."""

    name: str
    status: Status | None

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        return self.status is None

    def is_symlink(self) -> bool:
        return False

    def stat(self) -> Status:
        assert self.status, "folders have no status"
        return self.status


AnyPath = Path | ObjectPath


def any_path(url: str) -> AnyPath:
    """A `Path` for a folder, an `ObjectPath` for a URL."""
    return ObjectPath(url) if "://" in url else Path(url)


def list_folder(folder: ObjectPath, recursive: bool = False) -> list[ObjectEntry]:
    """The entries of a folder; with `recursive`, all objects below it by their names below it, in few requests."""
    files, root = _file_system(folder.root)
    below = folder._below(root)
    infos = files.get_file_info(FileSelector(below, recursive=recursive))
    entries = [
        ObjectEntry(str(PurePosixPath(info.path).relative_to(below)), _status(info) if info.is_file else None)
        for info in infos
    ]
    return [entry for entry in entries if entry.status] if recursive else entries


def _status(info: FileInfo) -> Status:
    return Status(info.size, info.mtime_ns or 0)
