"""Draws the JSON lines of `run` as a chart: chart.py FILE writes a PNG to standard output.

A panel for every number of threads, a row for every workload, a mark for every peer: how many times as long as ours it
takes. Right of the line at 1 we are faster.
"""

import json
import pathlib
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

OURS = "wavelet-scattering"
MARKS = "osD^v<>PX*hd"


def main():
    records = [json.loads(line) for line in pathlib.Path(sys.argv[1]).read_text().splitlines()]
    workloads = list(dict.fromkeys(record["workload"] for record in records))
    peers = list(dict.fromkeys(record["peer"] for record in records if record["peer"] != OURS))
    threads = sorted({record["threads"] for record in records})
    columns = 2 * len(threads)
    height = 1.6 + 0.4 * len(workloads) + 0.25 * (len(peers) // columns)
    figure, panels = plt.subplots(
        1, len(threads), figsize=(1 + 5.5 * len(threads), height), sharey=True, squeeze=False, layout="constrained"
    )
    for panel, count in zip(panels[0], threads):
        for number, peer in enumerate(peers):
            of_peer = [record for record in records if record["peer"] == peer and record["threads"] == count]
            panel.plot(
                [record["ratio"] for record in of_peer],
                [workloads.index(record["workload"]) for record in of_peer],
                MARKS[number % len(MARKS)],
                color=plt.colormaps["tab20"](number % 20),
                label=peer,
            )
        panel.axvline(1, color="black", linewidth=1)
        panel.set_xscale("log")
        panel.xaxis.set_major_formatter("{x:g}")
        panel.grid(axis="both", which="both", alpha=0.2)
        panel.set_title(f"{count} thread{'s' if count > 1 else ''}")
        panel.set_xlabel(f"time of the peer / time of {OURS}")
    panels[0][0].set_yticks(range(len(workloads)), workloads)
    panels[0][0].set_ylim(len(workloads) - 0.5, -0.5)
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=columns)
    figure.savefig(sys.stdout.buffer, format="png", dpi=120)


if __name__ == "__main__":
    main()
