#!/usr/bin/env python3
"""Compares the speed of this project's BM25 with that of bm25s (Lù 2024) on one corpus and one list of questions.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install bm25s numba
    make build
    /tmp/venv/bin/python scripts/compare-bm25s.py --corpus wiki.jsonl.gz --questions nq.jsonl.gz hotpotqa.jsonl.gz

Both run on one processor with one thread, with the same analysis (bm25s's, English stop words), k1 0.9 and b 0.4. They take turns, so
that other load on the machine meets both alike: in each round, each of them answers all the questions once. Time is that of the
processor; ratios of elapsed time are printed too. What is measured:

    build    from the corpus file to an index that can be searched (bm25s: in memory; searchrl: written to the disk)
    queries  from the questions' texts to the best passages (bm25s: their numbers; searchrl: the passages, from its files)

The last line is one JSON document.
"""
import argparse
import gzip
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time


def parse():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--corpus", required=True, help='JSON lines of {"id", "contents"} or {"id", "title", "text"}, plain or gzip')
    p.add_argument("--questions", required=True, nargs="+", help='JSON lines with "question", plain or gzip')
    p.add_argument("--searchrl", default="bin/searchrl", help="the program (default bin/searchrl)")
    p.add_argument("--rounds", type=int, default=3, help="turns that each takes (default 3)")
    p.add_argument("--builds", type=int, default=1, help="times that each builds its index (default 1)")
    p.add_argument("--k", type=int, nargs="+", default=[3, 10], help="passages a query (default 3 10)")
    p.add_argument("--backends", nargs="+", default=["numpy", "numba"], help="of bm25s (default numpy numba)")
    return p.parse_args()


def one_thread():
    """Keeps this process and its children to one processor; before numpy is loaded."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "GOMAXPROCS"):
        os.environ[name] = "1"


def lines(path):
    with (gzip.open if path.endswith(".gz") else open)(path, "rt", encoding="utf-8") as f:
        for line in f:
            if line.strip():
                yield json.loads(line)


def text(passage):
    return passage["contents"] if "contents" in passage else passage.get("title", "") + "\n" + passage["text"]


def timed(do):
    """Returns what do returns, and its seconds: of the processor and elapsed."""
    cpu, wall = time.process_time(), time.perf_counter()
    result = do()
    return result, time.process_time() - cpu, time.perf_counter() - wall


def child(*command):
    """Runs a command and returns its JSON document and its seconds."""
    def used():
        u = resource.getrusage(resource.RUSAGE_CHILDREN)
        return u.ru_utime + u.ru_stime
    cpu, wall = used(), time.perf_counter()
    done = subprocess.run([*command, "--json"], capture_output=True)
    if done.returncode != 0:
        sys.exit(done.stderr.decode())
    return json.loads(done.stdout.splitlines()[-1]), used() - cpu, time.perf_counter() - wall


def main():
    args = parse()
    one_thread()
    import bm25s
    questions = [q["question"] for path in args.questions for q in lines(path)]
    folder = tempfile.TemporaryDirectory()
    asked = os.path.join(folder.name, "questions.jsonl")
    with open(asked, "w", encoding="utf-8") as f:
        for i, q in enumerate(questions):
            f.write(json.dumps({"id": i, "question": q, "answer": "-"}) + "\n")
    index = os.path.join(folder.name, "index")

    def theirs_built(backend):
        tokens = bm25s.tokenize([text(p) for p in lines(args.corpus)], stopwords="en", show_progress=False)
        searcher = bm25s.BM25(k1=0.9, b=0.4, backend=backend)
        searcher.index(tokens, show_progress=False)
        return searcher

    def theirs_asked(searcher, k):
        tokens = bm25s.tokenize(questions, stopwords="en", show_progress=False)
        return searcher.retrieve(tokens, k=k, n_threads=0, show_progress=False)

    seconds = {}  # (what, who) → [(processor, elapsed), …]

    def took(what, who, cpu, wall):
        seconds.setdefault((what, who), []).append((cpu, wall))

    searchers = {}
    for _ in range(args.builds):
        for backend in args.backends:
            searchers[backend], cpu, wall = timed(lambda: theirs_built(backend))
            took("build", backend, cpu, wall)
        _, cpu, wall = child(args.searchrl, "index", "--corpus", args.corpus, "--out", index)
        took("build", "searchrl", cpu, wall)
    for k in args.k:
        for backend in args.backends:
            theirs_asked(searchers[backend], k)  # compiles
        for _ in range(args.rounds):
            for backend in args.backends:
                _, cpu, wall = timed(lambda: theirs_asked(searchers[backend], k))
                took(f"k={k}", backend, cpu, wall)
            report, _, _ = child(args.searchrl, "bench", "retrieval", "--searcher", index, "--questions", asked,
                                 "--queries", str(len(questions)), "--top-k", str(k))
            took(f"k={k}", "searchrl", report["cpu_seconds"], report["seconds"])

    print(f"bm25s {bm25s.__version__}, {len(questions)} questions, {args.corpus}")
    result = {"bm25s": bm25s.__version__, "questions": len(questions), "rows": []}
    for (what, who), times in seconds.items():
        ours = seconds[what, "searchrl"]
        ratio = [sorted(t[i] / o[i] for t, o in zip(times, ours)) for i in (0, 1)]
        cpu = statistics.median(t[0] for t in times)
        row = {"what": what, "who": who, "cpu_seconds": cpu, "queries_per_cpu_second": None if what == "build" else len(questions) / cpu,
               "times_searchrl_cpu": statistics.median(ratio[0]), "times_searchrl_cpu_range": [ratio[0][0], ratio[0][-1]],
               "times_searchrl_elapsed": statistics.median(ratio[1])}
        result["rows"].append(row)
        rate = "" if what == "build" else f"{row['queries_per_cpu_second']:9.0f} queries a second"
        print(f"{what:6} {who:9} {cpu:8.2f} s {rate:26} {row['times_searchrl_cpu']:6.2f} times searchrl's time"
              f" ({ratio[0][0]:.2f} to {ratio[0][-1]:.2f}; elapsed {row['times_searchrl_elapsed']:.2f})")
    print(json.dumps(result))


if __name__ == "__main__":
    sys.exit(main())
