"""The worker process: counts the words of new entries."""

import signal
import threading

from book import open_book

STOP = threading.Event()


def main():
    signal.signal(signal.SIGTERM, lambda *_: STOP.set())
    book = open_book()
    print("counting", flush=True)
    while not STOP.wait(0.5):
        for number, text in book.execute("SELECT id, text FROM entry WHERE words IS NULL").fetchall():
            words = len(text.split())
            book.execute("UPDATE entry SET words = ? WHERE id = ?", (words, number))
            print(f"entry {number} has {words} words", flush=True)
    print("finished", flush=True)


if __name__ == "__main__":
    main()
