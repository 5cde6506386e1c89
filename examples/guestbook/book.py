"""The book itself: a database file in the data directory, shared by all processes of the app."""

import os
import pathlib
import sqlite3


def open_book():
    folder = pathlib.Path(os.environ["GUESTBOOK_DATA"])
    folder.mkdir(parents=True, exist_ok=True)
    book = sqlite3.connect(folder / "book.db", timeout=10, isolation_level=None)
    book.execute("PRAGMA journal_mode = WAL")
    book.execute(
        "CREATE TABLE IF NOT EXISTS entry (id INTEGER PRIMARY KEY, name TEXT NOT NULL, text TEXT NOT NULL,"
        " words INTEGER)"
    )
    return book
