"""Owns which packages Python code imports for certain, and which distributions bring them."""

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath

from readiness.probes import pycode
from readiness.probes.checkout import Checkout, is_aside, text_of
from readiness.probes.facts import fact

# Tools of people who work on the code, which production does not run.
TOOLS = frozenset(
    {"scripts", "script", "tools", "tool", "bin", "ci", "hack", "contrib", "notebooks", "bench", "utilities"}
)
TOOL_FILES = frozenset(
    {"setup.py", "hatch_build.py", "noxfile.py", "fabfile.py", "conf.py", "tasks.py", "dodo.py"}
)
# Made when the project is built, of one platform, of Python 2, or of tools that look for a module themselves.
NOT_JUDGED = re.compile(
    r".*_pb2(_grpc)?|_.*|(py)?win(32|types|dows)\w*|pythoncom|cStringIO|StringIO|ConfigParser|Queue|urllib2"
    r"|urlparse|httplib|cPickle|HTMLParser|SocketServer|pytest|pluggy|IPython|sphinx|docutils|PyInstaller"
)

# Distributions that bring a module of another name; any of them will do. Where the name of the distribution
# holds that of the module (yaml in PyYAML, jwt in PyJWT), no entry is needed.
BROUGHT_BY: dict[str, tuple[str, ...]] = {
    "Image": ("pillow",),
    "MySQLdb": ("mysqlclient",),
    "OpenSSL": ("pyopenssl",),
    "PIL": ("pillow", "pillow-simd"),
    "attr": ("attrs",),
    "apiclient": ("google-api-python-client",),
    "bs4": ("beautifulsoup4",),
    "cairo": ("pycairo",),
    "community": ("python-louvain",),
    "cv2": (
        *("opencv-python", "opencv-python-headless"),
        *("opencv-contrib-python", "opencv-contrib-python-headless"),
    ),
    "django_filters": ("django-filter",),
    "environ": ("django-environ", "environ-config"),
    "fitz": ("pymupdf",),
    "gi": ("pygobject",),
    "googleapiclient": ("google-api-python-client",),
    "jwt": ("pyjwt", "jwt"),
    "magic": ("python-magic", "python-magic-bin", "file-magic"),
    "mpl_toolkits": ("matplotlib",),
    "oauth2_provider": ("django-oauth-toolkit",),
    "pkg_resources": ("setuptools",),
    "pylab": ("matplotlib",),
    "redminelib": ("python-redmine",),
    "rest_framework_simplejwt": ("djangorestframework-simplejwt",),
    "sentry_sdk": ("sentry-sdk",),
    "skimage": ("scikit-image",),
    "sklearn": ("scikit-learn",),
    "snappy": ("python-snappy",),
    "social_core": ("social-auth-core",),
    "social_django": ("social-auth-app-django",),
    "speech_recognition": ("speechrecognition",),
    "talib": ("ta-lib",),
    "yaml": ("pyyaml", "pyyaml-ft"),
    "zmq": ("pyzmq",),
}
# Modules under which many distributions put their own; which one, only an installed environment knows.
SHARED = frozenset(
    {"google", "azure", "zope", "ruamel", "sphinxcontrib", "opentelemetry", "jaraco", "paste", "backports"}
)
# What a declared distribution brings along and documents as part of its own interface.
COMES_WITH: dict[str, tuple[str, ...]] = {
    "aiohttp": ("yarl", "multidict"),
    "boto3": ("botocore", "s3transfer"),
    "celery": ("kombu", "billiard", "vine"),
    "django": ("asgiref", "sqlparse"),
    "django-ninja": ("pydantic",),
    "social-auth-app-django": ("social_core",),
    "fastapi": ("starlette", "pydantic", "typing_extensions"),
    "flask": ("werkzeug", "jinja2", "click", "markupsafe", "itsdangerous", "blinker"),
    "httpx": ("httpcore", "anyio"),
    "jinja2": ("markupsafe",),
    "matplotlib": ("numpy",),
    "opencv-python": ("numpy",),
    "opencv-python-headless": ("numpy",),
    "pandas": ("numpy", "dateutil", "pytz"),
    "pydantic": ("pydantic_core", "typing_extensions", "annotated_types"),
    "pydantic-settings": ("pydantic", "dotenv"),
    "requests": ("urllib3", "certifi", "charset_normalizer", "idna"),
    "scikit-image": ("numpy", "scipy"),
    "scikit-learn": ("numpy", "scipy"),
    "scipy": ("numpy",),
    "scrapy": ("twisted", "parsel", "itemadapter"),
    "sentry-sdk": ("urllib3", "certifi"),
    "sqlmodel": ("sqlalchemy", "pydantic"),
    "starlette": ("anyio",),
    "tensorflow": ("keras", "numpy"),
    "torch": ("numpy",),
}


@dataclass(frozen=True, slots=True)
class Import:
    """A name that code imports, with dots ("sqlalchemy.ext.asyncio"), and where."""

    name: str
    path: str
    line: int

    @property
    def top(self) -> str:
        """The module at the top, which a distribution has to bring."""
        return self.name.partition(".")[0]

    @property
    def where(self) -> str:
        """The place as people write it."""
        return f"{self.path}:{self.line}"


def imports(checkout: Checkout) -> Iterator[Import]:
    """Yield what code that runs in production imports when it is loaded, whatever the circumstances."""
    for path in programs(checkout):
        for name, line in checkout.told(imported, path):
            yield Import(name, path, line)


@fact
def imported(path: str, content: bytes) -> list[tuple[str, int]]:
    """Return the names that a module imports for certain, with their lines."""
    tree = pycode.parsed(text_of(content))
    return [(one.name, one.line) for one in certain(path, tree.body)] if tree else []


def programs(checkout: Checkout) -> list[str]:
    """Return the files of Python that run in production."""
    return [path for path in checkout.own_files("*.py") if not is_tool(path)]


def is_tool(path: str) -> bool:
    """Tell whether a file is for people who work on the code."""
    place = PurePosixPath(path)
    folders = {part.lower() for part in place.parts[:-1]}
    return bool(folders & TOOLS) or place.name in TOOL_FILES or any(part[0] == "." for part in place.parts)


def certain(path: str, body: Iterable[ast.stmt]) -> Iterator[Import]:
    """Yield the imports that no branch, no function and no handler of ImportError keeps from happening."""
    for node in body:
        match node:
            case ast.Import(names=names):
                yield from (Import(alias.name, path, node.lineno) for alias in names)
            case ast.ImportFrom(module=str() as module, names=names, level=0):
                yield from (Import(f"{module}.{alias.name}", path, node.lineno) for alias in names)
            case ast.Try(body=inner, handlers=handlers) if not any(map(catches_import, handlers)):
                yield from certain(path, inner)
            case ast.ClassDef(body=inner):
                yield from certain(path, inner)


def catches_import(handler: ast.ExceptHandler) -> bool:
    """Tell whether a handler goes on after an import that failed."""
    caught = ast.unparse(handler.type) if handler.type else "Exception"
    return bool(re.search(r"\b(ImportError|ModuleNotFoundError|Exception|BaseException)\b", caught))


def own_modules(checkout: Checkout) -> frozenset[str]:
    """Return the modules of the project: what lies in any folder that is no package itself."""
    sources = checkout.files("*.py", "*.pyi", "*.pyx", "*.so")
    packages = {str(PurePosixPath(path).parent) for path in sources if path.endswith("__init__.py")}
    names: set[str] = {PurePosixPath(path).name for path in (*checkout.submodules, *checkout.links)}
    for path in sources:
        place = PurePosixPath(path)
        for part in (place, *place.parents[:-1]):
            if str(part.parent) not in packages:
                names.add(part.name.partition(".")[0])
    return frozenset(names)


def is_others(found: Import, own: frozenset[str], siblings: frozenset[str]) -> bool:
    """Tell whether an import is of something that a distribution has to bring."""
    top = found.top
    if top in sys.stdlib_module_names or top in own or top in SHARED or NOT_JUDGED.fullmatch(top):
        return False
    # A program that is started in its own folder finds what lies beside it.
    beside = str(PurePosixPath(found.path).with_name(f"{top}.py"))
    return beside == found.path or not ({beside, str(PurePosixPath(beside).with_suffix(""))} & siblings)


def neighbours(checkout: Checkout) -> frozenset[str]:
    """Return the paths of all modules and packages, to find what lies beside a file."""
    paths = checkout.files("*.py")
    return frozenset(paths) | {str(PurePosixPath(path).parent) for path in paths if not is_aside(path)}


@lru_cache(maxsize=20_000)
def is_brought(top: str, names: frozenset[str]) -> bool:
    """Tell whether one of the declared distributions brings a module, or may: the benefit of the doubt."""
    if names & set(BROUGHT_BY.get(top, ())) or any(top in COMES_WITH.get(name, ()) for name in names):
        return True
    wanted = squeezed(top)
    if len(wanted) < 3:
        return wanted in names
    return any(wanted in squeezed(name) or abridges(wanted, squeezed(name)) for name in names)


def abridges(wanted: str, name: str) -> bool:
    """Tell whether a module's name is that of a distribution with some words left out.

    aliyunsdkalimt is in aliyun-python-sdk-alimt: both begin alike, and most letters are there in order.
    """
    if len(wanted) < 6 or wanted[:4] != name[:4] or 5 * len(wanted) < 3 * len(name):
        return False
    letters = iter(name)
    return all(letter in letters for letter in wanted)


@lru_cache(maxsize=20_000)
def squeezed(name: str) -> str:
    """Return a name without what separates words."""
    return re.sub(r"[-_.]", "", name.lower())
