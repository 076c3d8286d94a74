"""From facts to a text: what is said of a source, with the errors of literature, and in which sentences."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from .abstracts import Library, Sentence
from .facts import COMPANIONS, NUMBERED, VALUES, Fact, subtypes
from .phrases import CLASS_KINDS
from .templates import Deck, sentence

OMITTED, WRONG = 0.15, 0.05  # shares of facts left out, and stated with another value
CLASS_OMITTED, CLASS_WRONG = 0.10, 0.03
FEWEST, MOST = 8, 16  # sentences of a text
Random01 = Callable[[], float]


@dataclass(frozen=True)
class Stated:
    """What a text says and leaves out.

    Parameters
    ----------
    facts : list of Fact
        What is said, true or not.
    wrong : list of str
        Kinds of those that are not true.
    omitted : list of str
        Kinds left out.
    """

    facts: list[Fact]
    wrong: list[str]
    omitted: list[str]


def state(facts: list[Fact], random: Random01) -> Stated:
    """Choose what is said, with the errors and omissions of literature.

    Parameters
    ----------
    facts : list of Fact
        What is true, the class first and its subtype second.
    random : callable
        Gives the next random number, 0 to 1.

    Returns
    -------
    Stated
        A wrong class takes a subtype, and a companion, of its own with it.
    """
    kind = facts[0].value
    u = random()
    said, wrong, omitted = [], [], []
    if u < CLASS_OMITTED:
        omitted.append("class")
    elif u < CLASS_OMITTED + CLASS_WRONG:
        other = _another(facts[0], VALUES["class"], random)
        subtype = subtypes(other.value)[int(random() * len(subtypes(other.value)))]
        companion = [Fact("companion", COMPANIONS[subtype])] if subtype in COMPANIONS else []
        said = [other, Fact("subtype", subtype), *companion]
        wrong = [fact.kind for fact in said]
        facts = [fact for fact in facts if fact.kind not in ("class", "subtype", "companion")]
    else:
        said.append(facts[0])
    for fact in facts:
        if fact.kind == "class":
            continue
        values = subtypes(kind) if fact.kind == "subtype" else VALUES[fact.kind]
        u = random()
        if u < OMITTED:
            omitted.append(fact.kind)
        elif u < OMITTED + WRONG and len(values) > 1:
            said.append(_another(fact, values, random))
            wrong.append(fact.kind)
        else:
            said.append(fact)
    return Stated(said, wrong, omitted)


def _another(fact: Fact, values: tuple[str, ...], random: Random01) -> Fact:
    """Return the fact with another value and, where one is said, a number that fits it."""
    rest = [value for value in values if value != fact.value]
    value = rest[int(random() * len(rest))]
    number = NUMBERED[fact.kind].inside(value, random()) if fact.kind in NUMBERED else fact.number
    return replace(fact, value=value, number=number)


def compose(facts: list[Fact], part: str, library: Library, random: Random01) -> tuple[str, str]:
    """Put facts in sentences among those of literature.

    Parameters
    ----------
    facts : list of Fact
        What is said.
    part : {"train", "validation", "test"}
        The source's split: whose skeletons and papers are used.
    library : Library
        Sentences of real abstracts.
    random : callable
        Gives the next random number, 0 to 1.

    Returns
    -------
    text, plain : str
        The text, and what is left of it without the sentences that hold class words.
    """
    stated = next((fact.value for fact in facts if fact.kind == "class"), "")
    about = library.about(stated, part, random, 1 + int(random() * 2)) if stated else []
    deck = Deck(part, random)
    naming = [sentence([deck.clause(f)], random) for f in facts if f.kind in CLASS_KINDS]
    rest = _shuffled([deck.clause(f) for f in facts if f.kind not in CLASS_KINDS], random)
    room = len(naming) + len(about) + 1
    most = min(len(rest), MOST - room)
    least = min(most, max((len(rest) + 1) // 2, FEWEST - room))
    n = least + int(random() * (most - least + 1))
    joined = [rest[i::n] for i in range(n)]
    others = [sentence(clauses, random) for clauses in joined]
    strangers = library.others(stated, part, random, 1 + max(0, FEWEST - room - len(others)))
    every: list[tuple[str, bool]] = _mixed(naming, others, [*about, *strangers], random)
    return " ".join(text for text, _ in every), " ".join(text for text, names in every if not names)


def _mixed(
    naming: list[str], others: list[str], literature: list[Sentence], random: Random01
) -> list[tuple[str, bool]]:
    """Return all sentences, each with whether it names a class; what names this source comes first."""
    tail = [(text, False) for text in others] + [(one.text, bool(one.classes)) for one in literature]
    order = _shuffled([str(i) for i in range(len(tail))], random)
    return [(text, True) for text in naming] + [tail[int(i)] for i in order]


def _shuffled(values: list[str], random: Random01) -> list[str]:
    """Return the values in a random order."""
    return [value for _, value in sorted((random(), value) for value in values)]
