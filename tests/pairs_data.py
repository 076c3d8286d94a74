"""A small data folder and a file of simulated truth, for the tests of semi-simulated texts."""

import csv
import json

import numpy as np
from chandra_embed.inference.catalog import store
from chandra_embed.inference.simulate.class_ranges import POPULATIONS
from chandra_embed.inference.simulate.classes import draw_physics
from chandra_embed.training.pairs.facts import COLUMNS, LIGHT_CURVES

ABOUT = {
    "AGN": "Many quasars vary on {} timescales in every waveband that has been studied so far.",
    "CV": "Cataclysmic variables of the {} kind accrete from a red dwarf through an inner disc.",
    "HM-STAR": "The stellar winds of {} stars are driven by lines and emit through embedded shocks.",
    "HMXB": "A high-mass X-ray binary with {} accretion was found near the plane of our Galaxy.",
    "LM-STAR": "Late-type dwarfs with {} rotation keep their magnetic activity over very long times.",
    "LMXB": "In a low-mass X-ray binary of {} luminosity the disc ends far from the compact object.",
    "NS": "The cooling of {} neutron stars tells us about matter at the greatest of densities.",
    "YSO": "Protostars in {} clouds are found by their infrared emission and by their outflows.",
}
WORDS = (
    "slow",
    "rapid",
    "weak",
    "strong",
    "odd",
    "common",
    "rare",
    "bright",
    "faint",
    "steady",
    "wild",
    "mild",
)


def write_data(folder, n=40, seed=1):
    """Write the table and the abstracts that texts are made of; return the folder."""
    rng = np.random.default_rng(seed)
    (folder / "tables").mkdir(parents=True)
    (folder / "texts").mkdir()
    kinds = list(POPULATIONS)
    with open(folder / "tables" / "muwclass_TD.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, [*COLUMNS, "Fb"])
        writer.writeheader()
        for i in range(n):
            magnitudes = rng.uniform(8, 20, 8).round(2)
            row = dict(zip(COLUMNS[5:13], magnitudes, strict=True)) if i % 5 else {}
            row |= {"Plx": 1.5, "e_Plx": 0.1, "PM": rng.uniform(0.1, 90), "rgeo": rng.uniform(30, 5000)}
            row |= {"CSCv2_name": f"2CXO J{i:06d}.0+000000", "True_Class": kinds[i % 8], "Fb": 1e-14}
            row |= {"CSCv2_RA": rng.uniform(0, 360), "CSCv2_DEC": rng.uniform(-80, 80)}
            writer.writerow(row | {"Catalog_name": ("SDSS J1", "HD 1", "V* AB Ori", "J1")[i % 4]})
    with open(folder / "texts" / "arxiv_xray_abstracts.jsonl", "w") as file:
        for i, word in enumerate(WORDS):
            about = " ".join(text.format(word) for text in ABOUT.values())
            other = f"Here the {word} instrument is described, whose mirrors were made of a new glass."
            number = f"The {word} flux is 3 times larger than was thought by those who came before us."
            paper = {"arxiv_id": f"1801.{i:05d}", "abstract": f"{about} {other} {number} Short one."}
            file.write(json.dumps(paper) + "\n")
    return folder


def write_truth(path, data, n, seed=0, label="simulated 0", curves=True):
    """Write what a simulated file says of its rows, without spectra, which texts never read."""
    table = data / "tables" / "muwclass_TD.csv"
    with open(table, newline="") as read:
        rows = list(csv.DictReader(read))
    rng = np.random.default_rng(seed)
    index = [i % len(rows) for i in range(n)]
    physics = [draw_physics(rows[i]["True_Class"], rng) for i in index]
    names = [rows[i]["CSCv2_name"] for i in index]
    attributes = {"simulated": True, "catalog_sha256": store.sha256_file(table)}
    file = store.create(path, store.SPECTRA, attributes)
    detection, truth = file.create_group("detection"), file.create_group("truth")
    for column, values in {
        "file": [f"{label}:{i}" for i in range(n)],
        "name": names,
        "source_id": names,
    }.items():
        detection[column] = np.array([v.encode() for v in values])
    for column in ("nh", "nh_total", "gamma", "kt", "kt2", "share", "line", "redshift"):
        truth[column] = np.array([getattr(p, column) for p in physics])
    for column in ("shape", "population"):
        truth[column] = np.array([getattr(p, column).encode() for p in physics])
    truth["catalog_row"] = np.array(index)
    if curves:
        truth["light_curve"] = rng.choice([c.encode() for c in LIGHT_CURVES], n)
    detection["net_counts"] = rng.uniform(0, 1000, n)
    detection["obsid"] = np.arange(n)
    store.finish(file)
    file.close()
    return path
