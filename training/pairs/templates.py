"""Sentence skeletons, each of one split for good, and how facts fill them.

A skeleton belongs to a split by a hash of its words, so that neither a sentence nor a filled skeleton can
stand in two splits. ``{x}`` is the phrase of a fact, ``{s}`` a word for the source.
"""

import hashlib
import math
import re
from collections.abc import Callable, Sequence

from .facts import Fact
from .phrases import FAMILIES, FAMILY_OF

PARTS = ("train", "validation", "test")
VALIDATION, TEST = 0.2, 0.35  # shares of skeletons and of papers
SUBJECTS = ("the source", "this object", "the X-ray source", "the target", "it")
JOINTS = ("; ", ", and ", ", while ")

SKELETONS: dict[str, tuple[str, ...]] = {
    "source": (
        "earlier studies of {s} found {x}",
        "{x} was reported by previous missions",
        "archival observations with other telescopes indicated {x}",
        "in the literature {s} is known for {x}",
        "past modelling required {x}",
        "published work on {s} mentions {x}",
        "the best description of older data has {x}",
        "results of ROSAT and XMM-Newton pointed to {x}",
        "according to previous authors {s} shows {x}",
        "{s} has been described as having {x}",
        "several groups inferred {x}",
        "historical records favour {x}",
        "the discovery paper noted {x}",
        "a later reanalysis confirmed {x}",
        "follow-up work attributes {x} to {s}",
        "{x} is well documented for {s}",
        "reviews list {s} with {x}",
        "the consensus picture involves {x}",
        "a previous campaign established {x}",
        "one thesis on {s} argues for {x}",
        "long exposures of the past demanded {x}",
        "older catalogues associate {s} with {x}",
        "it is generally thought that {s} has {x}",
        "theory of {s} has had to explain {x}",
        "independent teams agree on {x}",
        "conference reports speak of {x}",
    ),
    "counterpart": (
        "optical and infrared surveys list {x}",
        "its counterpart shows {x}",
        "the multiwavelength counterpart of {s} has {x}",
        "catalogue entries of longer wavelengths give {x}",
        "Gaia, 2MASS and WISE together reveal {x}",
        "cross-matching with all-sky surveys yields {x}",
        "at longer wavelengths {s} is marked by {x}",
        "{x} characterises the matched counterpart",
        "survey archives record {x} at this position",
        "ground-based and space telescopes agree on {x}",
        "we note {x} for the associated object",
        "the position coincides with an entry having {x}",
        "data from outside the X-ray band supply {x}",
        "public tables attach {x} to {s}",
        "{x} follows from the entry of the counterpart",
        "a search of the archives returned {x}",
        "for {s} the finding charts imply {x}",
        "the identification rests on {x}",
        "imaging and astrometry establish {x}",
        "the compilation quotes {x} for {s}",
        "among the known properties of {s} is {x}",
        "astrometric and photometric lists provide {x}",
        "the likely match stands out by {x}",
        "observers of other wavebands met {x}",
    ),
    "identity": (
        "{s} is {x}",
        "{s} has been classified as {x}",
        "the literature identifies {s} as {x}",
        "SIMBAD lists {s} as {x}",
        "previous authors regard {s} as {x}",
        "spectroscopy showed {s} to be {x}",
        "we are dealing with {x}",
        "its accepted nature is that of {x}",
        "{s} is best explained as {x}",
        "there is agreement that {s} is {x}",
        "this entry concerns {x}",
        "the name belongs to {x}",
        "long known as {x}, {s} has been studied repeatedly",
        "{s} was recognised early as {x}",
        "follow-up observations settled that {s} is {x}",
        "catalogues file {s} under the heading of {x}",
        "for most researchers {s} counts as {x}",
        "{s} turned out to be {x}",
        "the paper presents {x}",
        "here {x} is discussed",
        "we summarise what is known of {x}",
        "the object in question is {x}",
    ),
    "companion": (
        "its companion is {x}",
        "{x} orbits together with {s}",
        "the mass-losing partner is {x}",
        "radial velocities betray {x} as the partner",
        "{s} is paired with {x}",
        "optical spectra of the system are those of {x}",
        "the other member of the system is {x}",
        "orbital motion implies {x} beside {s}",
        "the secondary has been identified as {x}",
        "{x} is bound to {s}",
        "a partner was found, {x}",
        "light of the system comes largely from {x}",
        "the pair contains {x}",
        "in orbit with {s} moves {x}",
    ),
    "region": (
        "{s} lies in {x}",
        "it belongs to {x}",
        "on the sky {s} falls within {x}",
        "the surroundings are those of {x}",
        "surveys of {x} include {s}",
        "{s} was catalogued in a study of {x}",
        "many neighbours of {s} are known from {x}",
        "the field is that of {x}",
        "its position is inside {x}",
        "monographs on {x} mention {s}",
        "{s} is projected on {x}",
        "the pointing covers {x}",
        "maps of {x} contain {s}",
        "observations of {x} detected {s} before",
    ),
}


def part_of(text: str) -> str:
    """Return the split that a skeleton or a paper belongs to, from a hash of its words."""
    digest = hashlib.sha256(text.lower().encode()).digest()
    u = int.from_bytes(digest[:8], "big") / 2.0**64
    return "test" if u < TEST else "validation" if u < TEST + VALIDATION else "train"


BY_PART = {
    part: {family: tuple(t for t in texts if part_of(t) == part) for family, texts in SKELETONS.items()}
    for part in PARTS
}


def phrases(fact: Fact) -> tuple[str, ...]:
    """Return the noun phrases that a fact may be put in, numbers not filled in."""
    if fact.kind == "region":
        return (fact.value,)
    return FAMILIES[FAMILY_OF[fact.kind]][fact.kind][fact.value]


class Deck:
    """The skeletons of one split, in an order drawn for one text; none comes twice before all came once.

    Parameters
    ----------
    part : {"train", "validation", "test"}
        The split.
    random : callable
        Gives the next random number, 0 to 1.
    """

    def __init__(self, part: str, random: Callable[[], float]) -> None:
        self._part, self._random = part, random
        self._left: dict[str, list[str]] = {}

    def clause(self, fact: Fact) -> str:
        """Put a fact in words, without a capital letter at the start and a full stop at the end."""
        phrase = pick(phrases(fact), self._random)
        if math.isfinite(fact.number):
            phrase = phrase.format(n=rounded(fact.number))
        family = FAMILY_OF[fact.kind]
        left = self._left.setdefault(family, [])
        if not left:
            left += BY_PART[self._part][family]
        skeleton = left.pop(int(self._random() * len(left)))
        return skeleton.format(x=phrase, s=pick(SUBJECTS, self._random))


def rounded(value: float) -> str:
    """Return a number to two significant digits, whole above 10."""
    digits = 1 - math.floor(math.log10(abs(value))) if value else 0
    return f"{round(value, digits):.{max(digits, 0)}f}"


def sentence(clauses: list[str], random: Callable[[], float]) -> str:
    """Join clauses to one sentence with a capital letter and a full stop."""
    text = clauses[0]
    for part in clauses[1:]:
        text += pick(JOINTS, random) + part
    return text[0].upper() + text[1:] + "."


def pick(values: Sequence[str], random: Callable[[], float]) -> str:
    """Draw one of some values."""
    return values[int(random() * len(values))]


def normalised(text: str) -> str:
    """Return a sentence in lower case without digits: what must not stand in two splits."""
    return " ".join(re.sub(r"\d", "", text.lower()).split())
