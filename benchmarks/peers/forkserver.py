"""Peer: the standard library's forkserver with pandas and pyarrow preloaded, a fresh process for every call.

A preload that fails is silently ignored by the standard library; `check` asks a child what it really found imported.
"""

import multiprocessing
import os
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)


def _set_up(preload):
    os.environ["PYTHONPATH"] = HERE  # the server's own sys.path: without it `identity` and `warmed` are not found
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(preload)
    return context


def _call(context, target, argument):
    """One call: (seconds until the result is in hand, the result). The child is waited for after the clock stopped."""
    start = time.perf_counter()
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=target, args=(theirs, argument))
    process.start()
    theirs.close()
    result = ours.recv()
    seconds = time.perf_counter() - start
    ours.close()
    process.join()
    return seconds, result


def main():
    import identity
    from serving import serve
    from small_frame import small_frame

    warmed = sys.argv[1:] == ["warmed"]
    context = _set_up(["pandas", "pyarrow", "identity"] + (["warmed"] if warmed else []))
    table = small_frame()
    expected = ["pandas", "pyarrow"] + (["warmed"] if warmed else [])

    def check():
        missing = set(expected) - set(_call(context, identity.loaded, expected)[1])
        if missing:
            raise SystemExit("the preload was not effective: %s" % ", ".join(sorted(missing)))
        if not _call(context, identity.identity, table)[1].equals(table):
            raise SystemExit("the result is not what went in")
        return True

    def calls(count, pace):
        seconds = []
        for _ in range(count):
            seconds.append(_call(context, identity.identity, table)[0])
            time.sleep(max(0.0, pace - seconds[-1]))
        return seconds

    def together(callers, seconds):
        return _together(lambda: _call(context, identity.identity, table), callers, seconds)

    serve({"check": check, "calls": calls, "together": together})


def _together(call, callers, seconds):
    """How many calls that many threads finish, and in how many seconds."""
    end = time.perf_counter() + seconds
    counts = [0] * callers

    def work(place):
        while time.perf_counter() < end:
            call()
            counts[place] += 1

    threads = [threading.Thread(target=work, args=(place,)) for place in range(callers)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [sum(counts), time.perf_counter() - start]


if __name__ == "__main__":
    main()
