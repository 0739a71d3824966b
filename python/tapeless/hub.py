# torch.hub: files and state_dicts by URL, checked by the hash in their name.
"""Downloads into a cache folder. Entry points of repositories are read from local folders only."""

import hashlib
import importlib.util
import os
import re
import shutil
import sys
import tempfile
import zipfile
from typing import Any
from urllib.parse import urlparse
from urllib.request import Request, urlopen

from tapeless import _missing

HASH_REGEX = re.compile(r"-([a-f0-9]*)\.")
READ_DATA_CHUNK = 128 * 1024
_dir: str | None = None

__all__ = ["download_url_to_file", "get_dir", "help", "list", "load", "load_state_dict_from_url", "set_dir"]


class _Silent:
    """Stands in for tqdm where that is not installed: counts, and shows nothing."""

    def __init__(self, iterable: Any = (), *args: Any, total: Any = None, **settings: Any) -> None:
        self.iterable, self.total, self.n = iterable, total, 0

    def __iter__(self) -> Any:
        return iter(self.iterable)

    def __enter__(self) -> "_Silent":
        return self

    def __exit__(self, *exception: Any) -> None:
        pass

    def update(self, n: int = 1) -> None:
        """Counts."""
        self.n += n


def __getattr__(name: str) -> Any:
    if name == "tqdm":
        return _bar()
    return _missing.find("tapeless.hub", name, sys._getframe(1))


def _bar() -> Any:
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return _Silent
    return tqdm


def _get_torch_home() -> str:
    cache = os.getenv("XDG_CACHE_HOME", "~/.cache")
    return os.path.expanduser(os.getenv("TORCH_HOME", os.path.join(cache, "torch")))


def get_dir() -> str:
    """The folder for downloads: what `set_dir` said, or $TORCH_HOME/hub, or $XDG_CACHE_HOME/torch/hub."""
    return _dir or os.path.join(_get_torch_home(), "hub")


def set_dir(d: str | os.PathLike) -> None:
    """Sets the folder for downloads."""
    global _dir
    _dir = os.path.expanduser(os.fspath(d))


def download_url_to_file(url: str, dst: str, hash_prefix: str | None = None, progress: bool = True) -> None:
    """Downloads into a file, which appears once it is complete and its SHA-256 begins with the prefix."""
    dst = os.path.expanduser(dst)
    with tempfile.NamedTemporaryFile(dir=os.path.dirname(os.path.abspath(dst)), delete=False) as file:
        try:
            found = _fetch(url, file, progress)
            file.close()
            if hash_prefix and not found.startswith(hash_prefix):
                raise RuntimeError(f'invalid hash value (expected "{hash_prefix}", got "{found}")')
            shutil.move(file.name, dst)
        finally:
            if os.path.exists(file.name):
                os.remove(file.name)


def _fetch(url: str, file: Any, progress: bool) -> str:
    """Writes what is at the URL into a file, and gives its SHA-256."""
    digest = hashlib.sha256()
    with urlopen(Request(url, headers={"User-Agent": "torch.hub"})) as answer:
        size = int(answer.headers.get("Content-Length") or 0)
        with _bar()(total=size or None, disable=not progress, unit="B", unit_scale=True) as bar:
            while chunk := answer.read(READ_DATA_CHUNK):
                file.write(chunk)
                digest.update(chunk)
                bar.update(len(chunk))
    return digest.hexdigest()


def load_state_dict_from_url(
    url: str,
    model_dir: str | None = None,
    map_location: Any = None,
    progress: bool = True,
    check_hash: bool = False,
    file_name: str | None = None,
    weights_only: bool = True,
) -> dict[str, Any]:
    """The state_dict at a URL, downloaded into model_dir unless it is there already.

    With `check_hash` the file's name holds the beginning of its SHA-256, as in model-0123abcd.pth.
    """
    import tapeless

    folder = model_dir or os.path.join(get_dir(), "checkpoints")
    os.makedirs(folder, exist_ok=True)
    name = file_name or os.path.basename(urlparse(url).path)
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        sys.stderr.write(f'Downloading: "{url}" to {path}\n')
        named = HASH_REGEX.search(name) if check_hash else None
        download_url_to_file(url, path, named[1] if named else None, progress)
    if zipfile.is_zipfile(path) and "data.pkl" not in {n.rpartition("/")[2] for n in zipfile.ZipFile(path).namelist()}:
        path = _unpacked(path, folder)
    return tapeless.load(path, map_location=map_location, weights_only=weights_only)


def _unpacked(path: str, folder: str) -> str:
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if len(members) != 1:
            raise RuntimeError("Only one file(not dir) is allowed in the zipfile")
        return archive.extract(members[0], folder)


def _entry_points(repo: str, source: str) -> Any:
    if source not in ("github", "local"):
        raise ValueError(f'Unknown source: "{source}". Allowed values: "github" | "local".')
    if source == "github":
        raise RuntimeError(
            f"torch.hub: {repo} is code of a repository, which is not fetched and run here; clone it, and name the "
            "folder with source='local'"
        )
    path = os.path.join(repo, "hubconf.py")
    spec = importlib.util.spec_from_file_location("hubconf", path)
    if spec is None or spec.loader is None or not os.path.exists(path):
        raise FileNotFoundError(f"torch.hub: there is no {path}")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, repo)
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(repo)
    return module


def load(repo_or_dir: str, model: str, *args: Any, source: str = "github", **kwargs: Any) -> Any:
    """What the entry point of that name in a folder's hubconf.py gives; only `source="local"`."""
    for setting in ("trust_repo", "force_reload", "verbose", "skip_validation"):
        kwargs.pop(setting, None)
    entry = getattr(_entry_points(repo_or_dir, source), model, None)
    if not callable(entry):
        raise RuntimeError(f"Cannot find callable {model} in hubconf")
    return entry(*args, **kwargs)


def list(github: str, force_reload: bool = False, skip_validation: bool = False, **settings: Any) -> Any:
    """The names of the entry points in a folder's hubconf.py."""
    module = _entry_points(github, settings.get("source", "local" if os.path.isdir(github) else "github"))
    return [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")]


def help(github: str, model: str, **settings: Any) -> str | None:
    """The docstring of an entry point in a folder's hubconf.py."""
    module = _entry_points(github, settings.get("source", "local" if os.path.isdir(github) else "github"))
    return getattr(module, model).__doc__
