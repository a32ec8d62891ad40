"""What the Responses API remembers: each response that was reported complete, with the input of its turn.

The one rule: what `put` returned from is on the disk, and what was not put is nowhere. SQLite writes ahead and syncs
at each commit; PostgreSQL is as durable as its `synchronous_commit`. Every operation is one statement, so a process
that is killed leaves a response whole or not at all; `bench/kills.py` tries it, and measures what each costs.

The database is asked in threads of the store's own, by the same plain code for both: the event loop never waits, and
neither an async driver nor greenlets are needed. SQLite has one writer at a time, so it gets one writing thread.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import platformdirs
import sqlalchemy as sql
from sqlalchemy import URL, Connection, CursorResult, Engine, event
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, OperationalError, SQLAlchemyError
from sqlalchemy.sql import Executable

from ..message import ToolglotError

SCHEMA = 1                  # of the tables below; a change of them is a higher number
BUSY = 30.0                 # seconds that a process waits for another one's write
CONNECT = 5                 # seconds to reach a PostgreSQL
THREADS = 4                 # readers, and for PostgreSQL writers too; each has a connection
LOT = 500                   # responses that `expire` removes at once: others write in between
LOCK = 0x746F6F6C676C6F74   # PostgreSQL's advisory lock for making the tables
SOUND = re.compile(r"[!-~]{1,200}")     # an id, or an owner: nothing else is ever stored
ADVICE = (                  # what to do where the cause has these words
    ("not a database", "move the file away, or name another one"),
    ("malformed", "the file is damaged: bring back a copy of it, or move it away to begin anew"),
    ("disk is full", "make room on its disk"),
    ("no space left", "make room on its disk"),
    ("locked", f"another process kept it for {BUSY:g} seconds: is one stuck, or its disk too slow?"),
    ("readonly", "let this user write the file and its directory, or name another file"),
    ("disk i/o error", "look after its disk; a network's directory is no place for SQLite"),
    ("unable to open", "let this user write the file and its directory, or name another file"),
    ("password", "check the password in the URL"),
    ("role", "check the user in the URL"),
    ("database system is", "it starts, stops or recovers: try again when it has"),
    ("pg_hba", "allow this user and host in the server's pg_hba.conf"),
    ("slots", "allow more connections on the server, or start fewer workers"),
    ("too many", "allow more connections on the server, or start fewer workers"),
    ("permission denied", "grant the user what it needs: CREATE in the schema at first, then the tables"),
    ("read-only", "name the primary server, for a standby takes no writes"),
    ("does not exist", "create it, or name another one"),
    ("resolve host", "is this the server's name?"),
    ("connection", "is the server running, and is this its address?"),
    ("timeout", "is the server running, and is this its address?"),
)

TABLES = sql.MetaData()
VERSION = sql.Table("toolglot_version", TABLES, sql.Column("version", sql.Integer, primary_key=True, autoincrement=False))
# an id belongs to its owner: with both in the key, nobody can as much as find out another's ids
RESPONSES = sql.Table(
    "toolglot_responses", TABLES,
    sql.Column("id", sql.Text, primary_key=True),
    sql.Column("owner", sql.Text, primary_key=True),
    sql.Column("created_at", sql.BigInteger, nullable=False, index=True),
    sql.Column("previous_id", sql.Text),
    sql.Column("response", sql.LargeBinary, nullable=False),   # last, for SQLite reads a row from its front
    sql.Column("input", sql.LargeBinary, nullable=False))
THEIR = RESPONSES.c
OWNED = THEIR.owner == sql.bindparam("of_owner")
KEY = (THEIR.id == sql.bindparam("of_id")) & OWNED

PUT = sql.insert(RESPONSES)
GET = sql.select(RESPONSES).where(KEY)
DELETE = sql.delete(RESPONSES).where(KEY)
COUNT = sql.select(sql.func.count()).select_from(RESPONSES)
EXPIRE = sql.delete(RESPONSES).where(sql.tuple_(THEIR.id, THEIR.owner).in_(
    sql.select(THEIR.id, THEIR.owner).where(THEIR.created_at < sql.bindparam("before")).limit(LOT)
    .with_for_update(skip_locked=True)))                # of PostgreSQL: what another worker expires is left to it

_LAST = sql.select(THEIR.id, THEIR.previous_id, sql.literal(0).label("back")).where(KEY).cte("links", recursive=True)
_LINKS = _LAST.union_all(
    sql.select(THEIR.id, THEIR.previous_id, _LAST.c.back + 1)
    .where(THEIR.id == _LAST.c.previous_id, OWNED, _LAST.c.back < sql.bindparam("most")))
CHAIN = sql.select(RESPONSES).join(_LINKS, THEIR.id == _LINKS.c.id).where(OWNED).order_by(_LINKS.c.back.desc())

Found = TypeVar("Found")


class StoreError(ToolglotError):
    """The store cannot do what was asked: which one, what happened, what to do."""


class ChainError(StoreError):
    """A conversation cannot be told whole: `missing` is the id that is gone, or None where it is too long."""

    def __init__(self, message: str, missing: str | None = None) -> None:
        self.missing = missing
        super().__init__(message)


@dataclass(frozen=True)
class Stored:
    """One response that was reported complete. `owner` is who may see it: a digest of the API key, "" where there are
    no keys. `created_at` is in unix seconds. `response` is the response object, `input` the list of this turn's input
    items alone, both JSON; they are not shown."""

    id: str
    owner: str = field(repr=False)
    created_at: int
    previous_id: str | None
    response: bytes = field(repr=False)
    input: bytes = field(repr=False)


class Store:
    """See `open_store`. Any number of tasks may use it, and any number of processes may have the same one open."""

    def __init__(self, place: Place, engine: Engine) -> None:
        self._place, self._engine = place, engine
        self._writers = ThreadPoolExecutor(1 if place.sqlite else THREADS, "store-write")
        self._readers = self._writers if place.memory else ThreadPoolExecutor(THREADS, "store-read")
        self._closed = False

    def __repr__(self) -> str:
        return f"Store({self._place.shown!r})"

    async def put(self, stored: Stored) -> None:
        """Durable when it returns. Errors: StoreError, and one for an id that its owner has already."""
        for name in ("id", "owner", "previous_id"):
            if (value := getattr(stored, name)) and not SOUND.fullmatch(value):
                raise StoreError(f"the {name} of a response is {value[:40]!r}: expected up to 200 characters of ASCII, "
                                 "none of them a space")
        if not stored.id:
            raise StoreError("a response without an id cannot be stored: give it one")
        try:
            await self._ask(self._writers, PUT, asdict(stored), _rows_changed)
        except IntegrityError:
            raise StoreError(f"{stored.id} is in {self._place.shown} already: give each an id of its own") from None

    async def get(self, id: str, owner: str) -> Stored | None:
        """None for what is not there, or another's."""
        found = await self._keyed(self._readers, GET, id, owner, _stored)
        return found[0] if found else None

    async def chain(self, id: str, owner: str, most: int = 1000) -> list[Stored] | None:
        """The conversation that ends with this response, oldest first; None if the id is unknown. Errors: ChainError
        where an earlier one was deleted or has expired, or where there are more than `most`."""
        found = await self._keyed(self._readers, CHAIN, id, owner, _stored, most=most)
        if not found:
            return None
        if len(found) > most:
            raise ChainError(f"the conversation that ends with {id} has more than {most} responses: begin a new one")
        if missing := found[0].previous_id:
            raise ChainError(f"the conversation that ends with {id} goes back to {missing}, which was deleted or has "
                             "expired: send the earlier items as input", missing)
        return found

    async def delete(self, id: str, owner: str) -> bool:
        """Whether it was there. Conversations that went through it are broken by this: `chain` says so."""
        return bool(await self._keyed(self._writers, DELETE, id, owner, _rows_changed))

    async def expire(self, before: int) -> int:
        """Removes everybody's responses that were created before this time, and says how many."""
        removed = 0
        while lot := await self._ask(self._writers, EXPIRE, {"before": before}, _rows_changed):
            removed += lot
        return removed

    async def count(self) -> int:
        """Everybody's responses. Reads an index whole: for a health page, not for each request."""
        return await self._ask(self._readers, COUNT, {}, lambda result: int(result.scalar_one()))

    async def close(self) -> None:
        """Finishes what was begun. Nothing more is stored or read."""
        if not self._closed:
            self._closed = True
            await asyncio.to_thread(self._end)

    async def _keyed(self, threads: ThreadPoolExecutor, statement: Executable, id: str, owner: str,
                     take: Callable[[CursorResult[Any]], Found], **values: int) -> Found | None:
        """None for ids that cannot have been stored: they are the clients' words, and no database should meet them."""
        if not SOUND.fullmatch(id) or (owner and not SOUND.fullmatch(owner)):
            return None
        return await self._ask(threads, statement, {"of_id": id, "of_owner": owner, **values}, take)

    async def _ask(self, threads: ThreadPoolExecutor, statement: Executable, values: Mapping[str, Any],
                   take: Callable[[CursorResult[Any]], Found]) -> Found:
        if self._closed:
            raise StoreError(f"the store {self._place.shown} is closed")

        def work() -> Found:
            try:
                with self._engine.connect() as connection:
                    return take(connection.execute(statement, values))
            except IntegrityError:                      # for `put` to tell
                raise
            except SQLAlchemyError as error:
                raise self._place.failed(error) from None

        return await asyncio.get_running_loop().run_in_executor(threads, work)

    def _end(self) -> None:
        self._writers.shutdown()
        self._readers.shutdown()
        self._engine.dispose()


def _stored(result: CursorResult[Any]) -> list[Stored]:
    return [Stored(**row) for row in result.mappings()]


def _rows_changed(result: CursorResult[Any]) -> int:
    return result.rowcount


@dataclass(frozen=True)
class Place:
    """Where a store is. `shown` is fit for errors: no password."""

    url: URL = field(repr=False)
    shown: str

    @property
    def sqlite(self) -> bool:
        return self.url.get_backend_name() == "sqlite"

    @property
    def memory(self) -> bool:
        return self.sqlite and self.url.database in (None, "", ":memory:")

    def failed(self, error: Exception) -> StoreError:
        """What went wrong in one line, without the statement and its values, and what to do."""
        cause: Any = error.orig if isinstance(error, DBAPIError) and error.orig else error
        said = getattr(getattr(cause, "diag", None), "message_primary", None) or str(cause)     # a detail may show a row
        for secret in (self.url.password, *(self.url.query.get(name) for name in ("password", "sslpassword"))):
            said = said.replace(str(secret), "…") if secret else said
        said = " ".join(said.split())[:400]
        todo = next((todo for words, todo in ADVICE if words in said.lower()), "")
        return StoreError(f"the store {self.shown} failed ({said or type(cause).__name__})" + (f": {todo}" if todo else ""))


async def open_store(url: str | None = None) -> Store:
    """The store at a path, at `sqlite:///PATH` or at `postgresql://USER:PASSWORD@HOST/DATABASE`; `:memory:` is one that
    ends with the process; None is a file in the platform's directory for data. What is missing is made, for this
    user's eyes alone. Errors: StoreError, also where a newer toolglot has been there."""
    return await asyncio.to_thread(_opened, _place(url))


def _place(url: str | None) -> Place:
    if url is None:
        url = str(platformdirs.user_data_path("toolglot", appauthor=False) / "responses.db")
    if "://" not in url:
        path = url if url == ":memory:" else str(Path(url).expanduser())
        return Place(URL.create("sqlite", database=path), path)
    scheme = url.partition("://")[0]
    expected = "expected a path, sqlite:///PATH or postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
    try:
        given = sql.make_url(url)
    except (ArgumentError, ValueError):                 # its words may hold the password
        raise StoreError(f"the store's URL {scheme}://… cannot be read: {expected}; write @ : / in a password as %40 %3A "
                         "%2F") from None
    if scheme in ("sqlite", "sqlite+pysqlite"):
        if given.host or given.query:
            raise StoreError(f"the store's URL sqlite://{given.host or ''}… holds more than a path: {expected}")
        path = given.database or ":memory:"
        return Place(URL.create("sqlite", database=path), path)
    if scheme not in ("postgres", "postgresql", "postgresql+psycopg"):
        raise StoreError(f"{scheme} is no store that is known here: {expected}")
    shown = URL.create("postgresql", given.username, None, given.host, given.port, given.database)
    return Place(given.set(drivername="postgresql+psycopg"), shown.render_as_string())


def _opened(place: Place) -> Store:
    engine = _engine(place)
    try:
        with engine.connect() as connection:
            _prepare(connection, place)
    except (SQLAlchemyError, StoreError) as error:
        engine.dispose()
        raise (error if isinstance(error, StoreError) else place.failed(error)) from None
    return Store(place, engine)


def _engine(place: Place) -> Engine:
    """Connections that commit each statement by itself."""
    pool: dict[str, Any] = {"pool_size": 2 * THREADS, "max_overflow": 0, "pool_pre_ping": not place.sqlite}
    # no prepared statements: not every pooler in between keeps them
    options: dict[str, Any] = {"connect_timeout": CONNECT, "prepare_threshold": None}
    if place.sqlite:
        options = {"timeout": BUSY, "check_same_thread": False}
    if place.memory:
        pool = {"poolclass": sql.StaticPool}
    elif place.sqlite:
        _make_file(Path(str(place.url.database)), place)
    try:
        engine = sql.create_engine(place.url, isolation_level="AUTOCOMMIT", hide_parameters=True, connect_args=options,
                                   **pool)
    except ImportError as error:
        raise StoreError(f"the store {place.shown} needs psycopg ({error}): pip install 'toolglot[postgres]'") from None
    if place.sqlite:
        event.listen(engine, "connect", _tune)
    return engine


def _make_file(path: Path, place: Place) -> None:
    """SQLite gives its other files the mode of this one."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except (OSError, ValueError) as error:
        cause = error.strerror if isinstance(error, OSError) else error
        raise StoreError(f"the store {place.shown} cannot be written ({cause}): let this user write the file and its "
                         "directory, or name another file") from None


def _tune(connection: Any, _record: object) -> None:
    """Each connection to SQLite: commits are synced (macOS has a sync that is one), what is deleted is overwritten."""
    for pragma in ("synchronous=FULL", "fullfsync=ON", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _prepare(connection: Connection, place: Place) -> None:
    """The tables, made once however many come at the same time."""
    if place.sqlite:
        _write_ahead(connection, place)
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.exec_driver_sql("BEGIN")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
    found = 0
    if sql.inspect(connection).has_table(VERSION.name):
        found = connection.scalar(sql.select(sql.func.max(VERSION.c.version))) or 0
    if found > SCHEMA:
        raise StoreError(f"the store {place.shown} was written by a newer toolglot (its tables are of version {found}, "
                         f"known here is {SCHEMA}): install that one, or name another store")
    TABLES.create_all(connection)
    if not found:
        connection.execute(sql.insert(VERSION).values(version=SCHEMA))
    connection.exec_driver_sql("COMMIT")


def _write_ahead(connection: Connection, place: Place) -> None:
    """Into WAL mode, where it stays. SQLite does not wait for others here, whatever its timeout says."""
    until = time.monotonic() + BUSY
    while True:
        try:
            mode = connection.exec_driver_sql("PRAGMA journal_mode=WAL").scalar()
            break
        except OperationalError as error:
            if "locked" not in str(error.orig) or time.monotonic() > until:
                raise
            time.sleep(0.02)
    if mode != ("memory" if place.memory else "wal"):
        raise StoreError(f"the store {place.shown} lies where SQLite cannot write ahead (its journal is {mode!r}): name a "
                         "file on a local disk, or a PostgreSQL")


__all__ = ["ChainError", "Store", "StoreError", "Stored", "open_store"]
