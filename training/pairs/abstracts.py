"""Sentences of real abstracts: what literature says of a class, and what it says of everything else.

Papers, not sentences, are split, so that no sentence of one paper stands in two splits. Sentences with a
digit are left out: a number in a text is never a measurement in X-rays.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ...inference.errors import ChandraEmbedError
from .templates import PARTS, normalised, part_of

FILE = "texts/arxiv_xray_abstracts.jsonl"
SHORTEST, LONGEST = 50, 320  # characters of a sentence
# words by which a sentence is taken to be about a class
CLASS_WORDS = {
    "AGN": r"\bAGNs?\b|active galactic nucle|quasar|\bQSOs?\b|seyfert|blazar|\bBL Lac|supermassive",
    "CV": r"cataclysmic|\bCVs?\b|white dwarf|\bnovae?\b|\bpolars?\b|symbiotic",
    "HM-STAR": r"wolf-rayet|massive stars?\b|\bO(B)? stars?\b|hot stars?\b|[OB]-type|stellar winds?|"
    r"early-type star",
    "HMXB": r"high[- ]mass x-ray binar|\bHMXBs?\b|\bBe[ /]x-ray|supergiant|x-ray pulsar|x-ray binar",
    "LM-STAR": r"\bcorona[el]?\b|flare stars?\b|late-type|cool stars?\b|active stars?\b|low-mass star|"
    r"\bM dwarf|red dwarf|convective stars?\b|magnetic activity|stellar flare",
    "LMXB": r"low[- ]mass x-ray binar|\bLMXBs?\b|black hole candidate|x-ray burst|x-ray binar|\batoll\b",
    "NS": r"neutron stars?\b|pulsars?\b|magnetars?\b|gamma repeater",
    "YSO": r"young stars?\b|T Tauri|protostar|young stellar|star[- ]form|pre-main|protoplanetary|"
    r"young cluster|\bOrion\b|\bYSOs?\b",
}
# digits, formulas, and what is left of them where a file's numbers were taken out
_UNFIT = re.compile(r"[\d$\\{}^]|(?:^|[\s(~])%|\(\s*\)|,\s*\)|\s[,;]|[~=<>]\s*[.,)]")
_WORDS = {kind: re.compile(pattern, re.IGNORECASE) for kind, pattern in CLASS_WORDS.items()}


@dataclass(frozen=True)
class Sentence:
    """A sentence of an abstract and the classes whose words it holds."""

    text: str
    classes: frozenset[str]


@dataclass(frozen=True)
class Library:
    """Sentences of real abstracts.

    Parameters
    ----------
    papers : dict of str to int
        Split -> how many papers it has.
    sentences : dict of str to tuple of Sentence
        Split -> its sentences.
    """

    papers: dict[str, int]
    sentences: dict[str, tuple[Sentence, ...]]

    def about(self, kind: str, part: str, random: Callable[[], float], n: int) -> list[Sentence]:
        """Draw up to `n` different sentences of a split about a class."""
        return self._draw([s for s in self.sentences[part] if kind in s.classes], random, n)

    def others(self, kind: str, part: str, random: Callable[[], float], n: int) -> list[Sentence]:
        """Draw up to `n` different sentences of a split that say nothing of a class."""
        found: list[Sentence] = []
        every = self.sentences[part]
        for _ in range(20 * n):  # most say nothing of it: trying is faster than sorting out
            if len(found) == n or not every:
                break
            one = every[int(random() * len(every))]
            if kind not in one.classes and one not in found:
                found.append(one)
        return found

    @staticmethod
    def _draw(pool: list[Sentence], random: Callable[[], float], n: int) -> list[Sentence]:
        return [pool.pop(int(random() * len(pool))) for _ in range(min(n, len(pool)))]


def read_library(data: Path) -> Library:
    """Read the sentences of the abstracts.

    Parameters
    ----------
    data : Path
        Folder that holds ``texts/arxiv_xray_abstracts.jsonl`` (arxiv_id, title, abstract).

    Raises
    ------
    ChandraEmbedError
        The file cannot be read, or a line is no JSON object with an identifier and an abstract.
    """
    path = data / FILE
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ChandraEmbedError(f"{path}: cannot be read ({error}); it holds the abstracts") from error
    seen: set[str] = set()
    papers = dict.fromkeys(PARTS, 0)
    sentences: dict[str, list[Sentence]] = {part: [] for part in PARTS}
    for number, line in enumerate(lines, 1):
        try:
            paper = json.loads(line)
            identifier, abstract = str(paper["arxiv_id"]), str(paper["abstract"])
        except (ValueError, KeyError, TypeError) as error:
            raise ChandraEmbedError(
                f"{path}: line {number} is no JSON object with arxiv_id and abstract"
            ) from error
        part = part_of(identifier)
        papers[part] += 1
        for text in _sentences(abstract):
            if normalised(text) not in seen:
                seen.add(normalised(text))
                sentences[part].append(Sentence(text, classes_of(text)))
    return Library(papers, {part: tuple(found) for part, found in sentences.items()})


def classes_of(text: str) -> frozenset[str]:
    """Return the classes whose words a text holds."""
    return frozenset(kind for kind, words in _WORDS.items() if words.search(text))


def _sentences(abstract: str) -> list[str]:
    """Split an abstract into sentences that stand for themselves: no digits, no formulas, whole."""
    parts = re.split(r"(?<=[.!?])\s+(?=[A-Z])", " ".join(abstract.split()))
    return [
        text
        for text in parts
        if SHORTEST <= len(text) <= LONGEST and text.endswith(".") and not _UNFIT.search(text)
    ]
