"""The store: what was put is there, for its owner alone, whatever is killed; and what goes wrong is said plainly."""

from __future__ import annotations

import asyncio
import itertools
import os
import secrets
import signal
import sqlite3
import stat
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("sqlalchemy", reason="sqlalchemy is not installed")
pytest.importorskip("platformdirs", reason="platformdirs is not installed")
sys.path.append(str(Path(__file__).resolve().parents[1] / "bench"))

import kills

from toolglot.serve import store as store_module
from toolglot.serve.store import ChainError, Store, Stored, StoreError, open_store

EXAMPLES = int(os.environ.get("TOOLGLOT_EXAMPLES", "25"))
DATABASES = ["memory", "file", "postgres"]
quick = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
killing = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")


def one(id: str = "resp_1", owner: str = "", previous: str | None = None, created: int = 100) -> Stored:
    return Stored(id, owner, created, previous, f'{{"id": "{id}"}}'.encode(), b'[{"role": "user"}]')


def using(url: str | None, work: Callable[[Store], Coroutine[Any, Any, Any]]) -> Any:
    """What the work gives, on a store that is closed after it."""
    async def run() -> Any:
        store = await open_store(url)
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(run())


def refused(url: str | None, kind: type[StoreError] = StoreError) -> str:
    async def nothing(store: Store) -> None: ...

    with pytest.raises(kind) as error:
        using(url, nothing)
    return str(error.value)


@pytest.fixture(scope="session")
def server() -> Iterator[str | kills.Cluster]:
    """A PostgreSQL: the one that TOOLGLOT_POSTGRES names, or one that is started for these tests."""
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    if named := os.environ.get("TOOLGLOT_POSTGRES"):
        yield named
        return
    if os.name != "posix" or kills.binaries() is None:
        pytest.skip("no PostgreSQL here: set TOOLGLOT_POSTGRES to the URL of one, or install it")
    with kills.cluster() as cluster:
        yield cluster


@pytest.fixture
def postgres(server: str | kills.Cluster) -> Iterator[str]:
    """A schema of its own, so that no test sees another's tables, nor anybody's."""
    import psycopg

    url, name = server if isinstance(server, str) else server.url, f"toolglot_{secrets.token_hex(8)}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
    yield f"{url}{'&' if '?' in url else '?'}options=-csearch_path%3D{name}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"DROP SCHEMA {name} CASCADE")


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres"))
    return ":memory:" if request.param == "memory" else str(tmp_path / "new" / "store.db")


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = asyncio.run(open_store(url))
    yield opened
    asyncio.run(opened.close())


# -- laws ------------------------------------------------------------------------------------------------------

NAMES, PEOPLE = ("resp_a", "resp_b", "resp_c", "resp_d"), ("", "0f1e2d")
IDS, OWNERS = st.sampled_from(NAMES), st.sampled_from(PEOPLE)
BYTES = st.binary(max_size=40)
RESPONSES = st.builds(Stored, IDS, OWNERS, st.integers(0, 9), st.none() | IDS, BYTES, BYTES)
PUTS = st.tuples(st.just("put"), RESPONSES)
STEPS = st.one_of(
    PUTS, PUTS, PUTS, st.tuples(st.just("get"), IDS, OWNERS), st.tuples(st.just("delete"), IDS, OWNERS),
    st.tuples(st.just("chain"), IDS, OWNERS, st.integers(1, 6)), st.tuples(st.just("expire"), st.integers(0, 5)),
    st.tuples(st.just("count")))
Model = dict[tuple[str, str], Stored]


def expected(model: Model, step: tuple[Any, ...]) -> Any:
    """What a dict would do; "error" where the store is to refuse, ("missing", id) where a conversation is broken."""
    match step:
        case ("put", stored):
            if (stored.id, stored.owner) in model:
                return "error"
            model[stored.id, stored.owner] = stored
            return None
        case ("get", id, owner):
            return model.get((id, owner))
        case ("delete", id, owner):
            return model.pop((id, owner), None) is not None
        case ("expire", before):
            old = [key for key, stored in model.items() if stored.created_at < before]
            return len([model.pop(key) for key in old])
        case ("count",):
            return len(model)
        case ("chain", id, owner, most):
            return linked(model, id, owner, most)


def linked(model: Model, id: str, owner: str, most: int) -> Any:
    found: list[Stored] = []
    at: str | None = id
    while at is not None:
        if (at, owner) not in model:
            return ("missing", at) if found else None
        if len(found) == most:
            return ("missing", None)
        found.insert(0, model[at, owner])
        at = found[0].previous_id
    return found


async def done(store: Store, step: tuple[Any, ...]) -> Any:
    try:
        return await getattr(store, step[0])(*step[1:])
    except ChainError as error:
        return ("missing", error.missing)
    except StoreError:
        return "error"


@quick
@given(steps=st.lists(STEPS, max_size=25))
def test_a_store_does_what_a_dict_does(store: Store, steps: list[tuple[Any, ...]]) -> None:
    async def run() -> None:
        await store.expire(1 << 60)
        model: Model = {}
        for step in steps:
            assert await done(store, step) == expected(model, step), step
        for id, owner in itertools.product(NAMES, PEOPLE):
            for step in (("get", id, owner), ("chain", id, owner, 4), ("chain", id, owner, 2)):
                assert await done(store, step) == expected(model, step), step

    asyncio.run(run())


@quick
@given(words=st.text())
def test_what_no_id_is_is_nobodys(store: Store, words: str) -> None:
    async def run() -> None:
        for id, owner in ((words, ""), ("resp_1", words + "\0")):
            assert await store.get(id, owner) is None
            assert await store.chain(id, owner) is None
            assert await store.delete(id, owner) is False

    asyncio.run(run())


@pytest.mark.parametrize("field", ["id", "owner", "previous_id"])
@pytest.mark.parametrize("value", ["two words", "null\0", "\ud800", "é", "x" * 201])
def test_only_plain_ids_are_stored(field: str, value: str) -> None:
    async def work(store: Store) -> None:
        with pytest.raises(StoreError, match=f"the {field} of a response"):
            await store.put(replace(one(), **{field: value}))
        assert await store.count() == 0

    using(":memory:", work)


def test_an_id_must_be_given() -> None:
    with pytest.raises(StoreError, match="without an id"):
        using(":memory:", lambda store: store.put(one("")))


# -- what is kept ----------------------------------------------------------------------------------------------


def test_large_and_odd_bytes_come_back(store: Store) -> None:
    stored = replace(one(), response=bytes(range(256)) * 40_000, input=b"")

    async def run() -> None:
        await store.put(stored)
        assert await store.get("resp_1", "") == stored

    asyncio.run(run())


def test_owners_cannot_see_each_others(store: Store) -> None:
    async def run() -> None:
        await store.put(one("resp_1", "ann"))
        await store.put(one("resp_2", "ann", "resp_1"))
        for other in ("bob", "", "an", "ann ", "ANN"):
            assert await store.get("resp_2", other) is None
            assert await store.chain("resp_2", other) is None
            assert await store.delete("resp_2", other) is False
        mine = one("resp_2", "bob", "resp_1")           # the id tells him nothing, not even that it is taken
        await store.put(mine)
        assert await store.get("resp_2", "bob") == mine
        with pytest.raises(ChainError, match="resp_1"):
            await store.chain("resp_2", "bob")
        assert await store.delete("resp_2", "bob") is True
        await store.put(one("resp_1", "bob"))           # nor does a conversation of his go through one of hers
        await store.put(one("resp_3", "bob", "resp_2"))
        with pytest.raises(ChainError, match="resp_2"):
            await store.chain("resp_3", "bob")
        assert [turn.id for turn in await store.chain("resp_2", "ann") or []] == ["resp_1", "resp_2"]

    asyncio.run(run())


def test_a_conversation_without_its_middle_names_what_is_gone(store: Store) -> None:
    async def run() -> None:
        for n in range(5):
            await store.put(one(f"resp_{n}", previous=f"resp_{n - 1}" if n else None))
        await store.delete("resp_2", "")
        with pytest.raises(ChainError, match=r"ends with resp_4 goes back to resp_2, which was deleted .* send") as error:
            await store.chain("resp_4", "")
        assert error.value.missing == "resp_2"
        assert [turn.id for turn in await store.chain("resp_1", "") or []] == ["resp_0", "resp_1"]

    asyncio.run(run())


def test_a_conversation_may_be_as_long_as_was_said_and_no_longer(store: Store) -> None:
    async def run() -> None:
        for n in range(31):
            await store.put(one(f"resp_{n}", previous=f"resp_{n - 1}" if n else None))
        assert [turn.id for turn in await store.chain("resp_30", "", most=31) or []] == [f"resp_{n}" for n in range(31)]
        with pytest.raises(ChainError, match="more than 30 responses"):
            await store.chain("resp_30", "", most=30)

    asyncio.run(run())


def test_many_expire_in_lots() -> None:
    async def work(store: Store) -> None:
        old = 2 * store_module.LOT + 7
        await asyncio.gather(*(store.put(one(f"resp_{n}", created=n)) for n in range(old + 5)))
        assert await store.expire(old) == old
        assert await store.count() == 5
        assert await store.expire(old) == 0

    using(":memory:", work)


def test_two_that_expire_at_once_remove_each_response_once(url: str) -> None:
    async def run(other: Store) -> None:
        async def work(store: Store) -> None:
            await asyncio.gather(*(store.put(one(f"resp_{n}", created=n)) for n in range(60)))
            assert sum(await asyncio.gather(store.expire(50), other.expire(50))) == 50
            assert await store.count() == 10

        store = await open_store(url)
        await work(store)
        await store.close()

    if url == ":memory:":
        pytest.skip("nobody else has it open")
    using(url, run)


def test_what_another_worker_expires_is_not_waited_for(postgres: str) -> None:
    import psycopg

    async def work(store: Store) -> None:
        for n in range(5):
            await store.put(one(f"resp_{n}"))
        with psycopg.connect(postgres) as other:
            other.execute("DELETE FROM toolglot_responses WHERE id = 'resp_2'")
            assert await asyncio.wait_for(store.expire(1000), 20) == 4
        assert await store.count() == 0

    using(postgres, work)


def test_it_is_there_when_the_store_is_opened_again(url: str) -> None:
    if url == ":memory:":
        pytest.skip("it ends with the store")
    using(url, lambda store: store.put(one()))
    assert using(url, lambda store: store.get("resp_1", "")) == one()


def test_memory_is_forgotten_and_makes_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for url in (":memory:", "sqlite://", "sqlite:///:memory:"):
        using(url, lambda store: store.put(one()))
        assert using(url, lambda store: store.count()) == 0
    assert list(tmp_path.iterdir()) == []


def test_what_is_deleted_is_not_left_in_the_file(tmp_path: Path) -> None:
    path, secret = tmp_path / "store.db", b"a secret of the conversation"

    async def work(store: Store) -> None:
        await store.put(replace(one(), input=secret * 300))
        await store.put(one("resp_2"))
        assert any(secret in file.read_bytes() for file in tmp_path.iterdir())
        await store.delete("resp_1", "")

    using(str(path), work)
    assert [file.name for file in tmp_path.iterdir()] == ["store.db"]
    assert secret not in path.read_bytes()


# -- where it is kept ------------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name != "posix", reason="modes are of POSIX")
def test_nobody_else_can_read_the_files(tmp_path: Path) -> None:
    path = tmp_path / "data" / "store.db"

    async def work(store: Store) -> None:
        await store.put(one())
        assert {file.name for file in path.parent.iterdir()} == {"store.db", "store.db-wal", "store.db-shm"}
        assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700

    before = os.umask(0)
    try:
        using(str(path), work)
    finally:
        os.umask(before)


@pytest.mark.skipif(sys.platform != "linux", reason="its directory is named by XDG_DATA_HOME on Linux alone")
def test_without_a_name_it_is_in_the_directory_for_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    using(None, lambda store: store.put(one()))
    assert using(str(tmp_path / "toolglot" / "responses.db"), lambda store: store.count()) == 1


@pytest.mark.parametrize("spell", ["{}", "sqlite:///{}", "sqlite+pysqlite:///{}", "~/{.name}"])
def test_a_file_may_be_named_in_several_ways(spell: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    path = tmp_path / "a b%20?c#.db" if spell == "{}" else tmp_path / "store.db"
    using(spell.format(path), lambda store: store.put(one()))
    assert using(str(path), lambda store: store.count()) == 1


def test_commits_are_synced_and_written_ahead(tmp_path: Path) -> None:
    async def work(store: Store) -> None:
        with store._engine.connect() as first, store._engine.connect() as second:
            for connection in (first, second):
                pragmas = [connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                           for name in ("journal_mode", "synchronous", "busy_timeout", "secure_delete")]
                assert pragmas == ["wal", 2, 30_000, 1]

    using(str(tmp_path / "store.db"), work)


# -- several at a time -----------------------------------------------------------------------------------------


def test_many_tasks_at_once(store: Store) -> None:
    async def turn(n: int) -> Stored | None:
        await store.put(one(f"resp_{n}", str(n % 3)))
        return await store.get(f"resp_{n}", str(n % 3))

    async def run() -> None:
        assert await asyncio.gather(*map(turn, range(100))) == [one(f"resp_{n}", str(n % 3)) for n in range(100)]
        assert await store.count() == 100

    asyncio.run(run())


def test_many_that_make_the_tables_at_once(url: str) -> None:
    if url == ":memory:":
        pytest.skip("each has its own")

    async def run() -> None:
        for turn in range(4):
            place = url.replace(".db", f"{turn}.db")
            stores = await asyncio.gather(*(open_store(place) for _ in range(8)))
            await asyncio.gather(*(store.put(one(f"resp_{n}")) for n, store in enumerate(stores)))
            assert [await store.count() for store in stores] == [8] * 8
            if "://" in url:
                with stores[0]._engine.connect() as connection:
                    connection.exec_driver_sql("DROP TABLE toolglot_version, toolglot_responses")
            await asyncio.gather(*(store.close() for store in stores))

    asyncio.run(run())


def test_opening_waits_for_somebody_who_writes_without_wal(tmp_path: Path) -> None:
    """SQLite itself says "locked" at once when the journal is to be changed, whatever the timeout."""
    path = tmp_path / "store.db"
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("CREATE TABLE theirs (word)")
        other.execute("BEGIN IMMEDIATE")
        later = threading.Timer(0.3, lambda: other.execute("COMMIT"))
        later.start()
        using(str(path), lambda store: store.put(one()))
        later.join()
    assert using(str(path), lambda store: store.count()) == 1


def test_the_event_loop_and_readers_do_not_wait_for_a_writer(tmp_path: Path) -> None:
    path = tmp_path / "store.db"

    async def work(store: Store) -> None:
        await store.put(one())
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            puts = [asyncio.create_task(store.put(one(f"resp_{n}"))) for n in range(2, 12)]
            began = time.monotonic()
            for _ in range(10):
                assert await store.get("resp_1", "") == one()
                await asyncio.sleep(0.01)
            assert time.monotonic() - began < 5         # a writer waits for BUSY
            assert not any(put.done() for put in puts)
            other.execute("COMMIT")
        await asyncio.gather(*puts)
        assert await store.count() == 11

    using(str(path), work)


def test_a_writer_that_waits_too_long_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "BUSY", 0.05)
    path = tmp_path / "store.db"

    async def work(store: Store) -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreError, match=r"store\.db failed \(database is locked\): another process"):
                await store.put(one())
        await store.put(one())

    using(str(path), work)


def test_a_put_that_is_cancelled_is_there_or_not(store: Store) -> None:
    async def run() -> None:
        tasks = [asyncio.create_task(store.put(one(f"resp_{n}"))) for n in range(30)]
        await asyncio.sleep(0.002)
        for task in tasks[::2]:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        for n, result in enumerate(results):
            assert result is None or isinstance(result, asyncio.CancelledError)
            found = await store.get(f"resp_{n}", "")
            assert found == one(f"resp_{n}") or (found is None and result is not None)

    asyncio.run(run())


def test_closing_finishes_what_was_begun_and_begins_nothing(tmp_path: Path) -> None:
    async def run() -> None:
        store = await open_store(str(tmp_path / "store.db"))
        puts = [asyncio.create_task(store.put(one(f"resp_{n}"))) for n in range(20)]
        await asyncio.sleep(0)
        await store.close()
        await store.close()
        assert await asyncio.gather(*puts) == [None] * 20
        for late in (store.put(one()), store.get("resp_1", ""), store.count(), store.expire(1), store.chain("resp_1", "")):
            with pytest.raises(StoreError, match=r"store\.db is closed"):
                await late

    asyncio.run(run())
    assert using(str(tmp_path / "store.db"), lambda store: store.count()) == 20


# -- killed ----------------------------------------------------------------------------------------------------


@killing
@pytest.mark.parametrize("database", ["file", "postgres"])
@pytest.mark.parametrize("workers", [1, 6])
def test_what_was_reported_survives_being_killed(database: str, workers: int, request: pytest.FixtureRequest,
                                                 tmp_path: Path) -> None:
    """Six workers come to a new store at once and make its tables at once."""
    url = request.getfixturevalue("postgres") if database == "postgres" else str(tmp_path / "store.db")
    tally = kills.kills(lambda _: url, 20 if workers == 1 else 12, workers, seed=workers)
    assert tally.said > 20 and tally.kills >= 12
    assert tally.bad == 0, tally


@killing
def test_the_judge_of_kills_sees_what_is_lost_torn_or_strange(tmp_path: Path) -> None:
    url, first = str(tmp_path / "store.db"), "resp_n.0.0."
    said = [f"{first}{n}" for n in range(4)]

    async def work(store: Store) -> None:
        await store.put(kills.response(said[0]))
        await store.put(replace(kills.response(said[1]), input=b"torn"))            # said[2] is lost
        await store.put(kills.response(said[3]))
        await store.put(replace(kills.response(f"{first}4"), response=b""))         # unsaid, torn
        await store.put(kills.response("resp_n.0.1.0"))                             # unsaid, whole
        await store.put(kills.response("resp_n.0.1.1"))                             # strange: the one before was not said

    using(url, work)
    tally = kills.Tally()
    asyncio.run(kills.look(url, "n", 1, said, 0, tally))
    assert (tally.said, tally.lost, tally.torn, tally.unsaid, tally.strange, tally.unsound) == (4, 2, 1, 1, 2, 0)


def test_a_server_that_was_away_is_asked_again(server: str | kills.Cluster, postgres: str) -> None:
    if isinstance(server, str):
        pytest.skip("somebody's PostgreSQL is not for stopping")

    async def work(store: Store) -> None:
        await store.put(one())
        server.stop()
        server.start()
        assert await store.get("resp_1", "") == one()
        server.stop()
        with pytest.raises(StoreError, match="is the server running"):
            await store.get("resp_1", "")
        server.start()
        assert await store.get("resp_1", "") == one()

    using(postgres, work)


# -- errors ----------------------------------------------------------------------------------------------------


def test_an_id_is_given_once(store: Store) -> None:
    async def run() -> None:
        await store.put(one())
        with pytest.raises(StoreError, match=r"resp_1 is in .* already"):
            await store.put(replace(one(), response=b"another"))
        assert await store.get("resp_1", "") == one()

    asyncio.run(run())


def test_tables_of_a_newer_toolglot_are_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if url == ":memory:":
        pytest.skip("there is no newer memory")
    with monkeypatch.context() as newer:
        newer.setattr(store_module, "SCHEMA", 2)
        using(url, lambda store: store.put(one()))
    assert "written by a newer toolglot (its tables are of version 2, known here is 1)" in refused(url)
    monkeypatch.setattr(store_module, "SCHEMA", 2)
    assert using(url, lambda store: store.get("resp_1", "")) == one()       # untouched


def test_tables_of_others_are_left_alone(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "theirs.db")) as theirs:
        theirs.execute("CREATE TABLE version (word TEXT)")
        theirs.execute("INSERT INTO version VALUES ('mine')")
        theirs.commit()
    using(str(tmp_path / "theirs.db"), lambda store: store.put(one()))
    with closing(sqlite3.connect(tmp_path / "theirs.db")) as theirs:
        assert theirs.execute("SELECT word FROM version").fetchall() == [("mine",)]


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("these are my notes\n" * 100)
    assert refused(str(path)).endswith("notes.txt failed (file is not a database): move the file away, or name another one")
    assert path.read_text().startswith("these are my notes")


def test_a_damaged_file(tmp_path: Path) -> None:
    path = tmp_path / "store.db"

    async def fill(store: Store) -> None:
        for n in range(40):
            await store.put(replace(one(f"resp_{n}"), input=b"x" * 3000))

    using(str(path), fill)
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xa5" * (len(whole) - 4096))

    async def read(store: Store) -> None:
        for n in range(40):
            await store.get(f"resp_{n}", "")

    with pytest.raises(StoreError, match=r"malformed\): the file is damaged"):
        using(str(path), read)


@pytest.mark.parametrize("place", ["file/store.db", "."])
def test_a_place_that_cannot_be_written(place: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "cannot be written (" in (said := refused(str(tmp_path / place))) and "name another file" in said


@pytest.mark.skipif(os.name != "posix", reason="modes are of POSIX")
def test_a_directory_that_is_somebody_elses(tmp_path: Path) -> None:
    if not os.geteuid():
        pytest.skip("root may write everywhere")
    tmp_path.chmod(0o500)
    assert "cannot be written (Permission denied)" in refused(str(tmp_path / "store.db"))


def test_a_full_disk(tmp_path: Path) -> None:
    async def work(store: Store) -> None:
        with store._engine.connect() as connection:     # the one connection there is so far: SQLite's own word for "full"
            connection.exec_driver_sql("PRAGMA max_page_count = 30")
        with pytest.raises(StoreError, match=r"store\.db failed \(database or disk is full\): make room"):
            await store.put(replace(one(), input=b"x" * 500_000))
        await store.put(one("resp_2"))
        assert await store.count() == 1

    using(str(tmp_path / "store.db"), work)


@pytest.mark.parametrize(("url", "says"), [
    ("mysql://root:hunter2@host/db", "mysql is no store that is known here: expected a path, sqlite:///PATH or postgresql"),
    ("postgresql+asyncpg://u:hunter2@host/db", "postgresql+asyncpg is no store"),
    ("postgresql://u:hunter2@host:port/db", "cannot be read: expected"),
    ("sqlite://store.db", "holds more than a path"),
    ("sqlite:///store.db?mode=ro", "holds more than a path"),
])
def test_a_url_that_is_none(url: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert says in (said := refused(url)) and "hunter2" not in said
    assert list(tmp_path.iterdir()) == []


def test_postgresql_without_psycopg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    said = refused("postgresql://u:hunter2@localhost/db")
    assert "pip install 'toolglot[postgres]'" in said and "hunter2" not in said


def test_a_server_that_is_not_there() -> None:
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    for url in ("postgresql://u:hunter2@127.0.0.1:1/db", "postgres://u@127.0.0.1:1/db?password=hunter2&sslpassword=hunter2"):
        said = refused(url)
        assert said.startswith("the store postgresql://u@127.0.0.1:1/db failed (") and "hunter2" not in said
        assert said.endswith(": is the server running, and is this its address?")


@pytest.mark.parametrize(("right", "wrong", "says"), [
    ("p%40ss%3Aword%2F1", "hunter2", "authentication failed for user \"toolglot\"): check the password in the URL"),
    ("toolglot:", "nobody:", "check the password in the URL"),
    ("/postgres", "/nowhere", "database \"nowhere\" does not exist): create it, or name another one"),
])
def test_a_server_that_refuses(server: str | kills.Cluster, right: str, wrong: str, says: str) -> None:
    if isinstance(server, str):
        pytest.skip("what somebody's PostgreSQL refuses is not known")
    assert says in (said := refused(server.url.replace(right, wrong))) and "p@ss" not in said and "hunter2" not in said


def test_a_user_who_may_not_make_tables(server: str | kills.Cluster, postgres: str) -> None:
    """Nor may he need to, where they are made."""
    import psycopg

    if isinstance(server, str):
        pytest.skip("nobody new is let into somebody's PostgreSQL")
    schema = postgres.rpartition("%3D")[2]
    theirs = postgres.replace("toolglot:p%40ss%3Aword%2F1", f"{schema}_u:word")
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {schema}_u LOGIN PASSWORD 'word'")
        connection.execute(f"GRANT USAGE ON SCHEMA {schema} TO {schema}_u")
        assert "permission denied" in (said := refused(theirs)) and "grant the user" in said
        using(postgres, lambda store: store.put(one()))
        connection.execute(f"GRANT SELECT, INSERT, DELETE, UPDATE ON ALL TABLES IN SCHEMA {schema} TO {schema}_u")
        assert using(theirs, lambda store: store.get("resp_1", "")) == one()
        connection.execute(f"DROP OWNED BY {schema}_u")
        connection.execute(f"DROP ROLE {schema}_u")


def test_contents_and_passwords_are_shown_nowhere() -> None:
    stored = replace(one(owner="digest"), response=b"hunter2", input=b"hunter2")
    assert repr(stored) == "Stored(id='resp_1', created_at=100, previous_id=None)"

    async def work(store: Store) -> None:
        assert repr(store) == "Store(':memory:')"
        await store.put(stored)
        with pytest.raises(StoreError) as error:
            await store.put(stored)
        assert "hunter2" not in f"{error.value!r} {error.value.__cause__!r}" and error.value.__suppress_context__

    using(":memory:", work)
