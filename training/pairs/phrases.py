"""Words for every value of every fact: several noun phrases each, the same in all three splits.

The sentences around them differ from split to split (``templates``); these key terms do not, as the terms of
real literature do not. ``{n}`` is the number of a numbered fact.
"""

# kinds whose words name the class or what only one class has: left out of the text without class words
CLASS_KINDS = frozenset({"class", "subtype", "companion", "emission lines", "redshift", "region", "listing"})

Phrases = dict[str, tuple[str, ...]]

_INDEX: Phrases = {
    "inverted": ("an inverted power law", "a power law that rises with energy"),
    "very flat": ("a very flat power law", "an extremely hard power law"),
    "flat": ("a flat power law", "a hard power law"),
    "rather flat": ("a rather flat power law", "a slightly hard power law"),
    "typical": ("a typical power law", "a power law of canonical slope"),
    "rather steep": ("a rather steep power law", "a slightly soft power law"),
    "steep": ("a steep power law", "a soft power law"),
    "very steep": ("a very steep power law", "an extremely soft power law"),
}
_PLASMA: Phrases = {
    "very cool": ("very cool plasma", "plasma of very low temperature"),
    "cool": ("cool plasma", "plasma of low temperature"),
    "mild": ("lukewarm plasma", "plasma of rather low temperature"),
    "warm": ("warm plasma", "plasma of medium temperature"),
    "hot": ("hot plasma", "plasma of high temperature"),
    "very hot": ("very hot plasma", "plasma of very high temperature"),
    "extremely hot": ("extremely hot plasma", "plasma of extreme temperature"),
    "shock-heated": ("shock-heated plasma of tens of millions of degrees", "plasma as hot as strong shocks"),
}
_SURFACE: Phrases = {
    "supersoft": ("supersoft thermal radiation", "a blackbody below the usual window"),
    "very soft": ("very soft thermal radiation", "a very cool blackbody"),
    "soft": ("soft thermal radiation", "a cool blackbody"),
    "moderate": ("thermal radiation of moderate temperature", "a lukewarm blackbody"),
    "warm": ("warm thermal radiation", "a warm blackbody"),
    "hot": ("hot thermal radiation", "a hot blackbody"),
    "very hot": ("very hot thermal radiation", "a very hot blackbody"),
}

_SOURCE: dict[str, Phrases] = {
    "absorption": {
        "none": ("an unabsorbed view", "an unobscured line of sight", "no measurable obscuration"),
        "slight": ("a slightly absorbed view", "a barely obscured line of sight", "faint obscuration"),
        "mild": ("a mildly absorbed view", "a mildly obscured line of sight", "mild obscuration"),
        "moderate": (
            "a moderately absorbed view",
            "a moderately obscured line of sight",
            "medium obscuration",
        ),
        "substantial": (
            "a substantially absorbed view",
            "a strongly obscured line of sight",
            "substantial obscuration",
        ),
        "heavy": ("a heavily absorbed view", "a heavily obscured line of sight", "heavy obscuration"),
        "very heavy": (
            "a deeply buried view",
            "an extremely obscured line of sight",
            "obscuration among the heaviest known",
        ),
        "Compton-thick": ("a Compton-thick absorber", "a reflection-dominated, Compton-thick line of sight"),
    },
    "reddening": {
        "none": ("no local dust at all", "a view without any reddening"),
        "traces": ("traces of local dust", "a view with traces of reddening"),
        "light": ("light local dust", "a lightly reddened view"),
        "fair": ("a fair amount of local dust", "a fairly reddened view"),
        "marked": ("marked local dust", "a markedly reddened view"),
        "severe": ("severe local dust", "a severely reddened view"),
        "extreme": ("extreme local dust", "an extremely reddened view"),
        "total": ("local dust that hides all light", "a view without any direct light"),
    },
    "extinction": {
        "none": ("negligible foreground extinction", "a transparent foreground"),
        "small": ("small foreground extinction", "a nearly transparent foreground"),
        "modest": ("modest foreground extinction", "a little foreground dust"),
        "considerable": ("considerable foreground extinction", "a dusty foreground"),
        "large": ("large foreground extinction", "a very dusty foreground"),
        "extreme": ("extreme foreground extinction", "an opaque, dark foreground cloud"),
    },
    "index": _INDEX,
    "tail": {
        key: tuple(f"a tail beyond the thermal part, namely {phrase}" for phrase in phrases)
        for key, phrases in _INDEX.items()
    },
    "plasma": _PLASMA,
    "second plasma": {
        key: tuple(f"a second component of {phrase}" for phrase in phrases)
        for key, phrases in _PLASMA.items()
    },
    "surface": _SURFACE,
    "soft component": {
        key: tuple(f"an added component, {phrase}" for phrase in phrases) for key, phrases in _SURFACE.items()
    },
    "hard share": {
        "trace": ("cooler emission with only traces of a harder part", "a negligible harder part"),
        "minor": ("a minor harder part", "cooler emission with little of a harder part"),
        "weak": ("a weak harder part", "mainly the cooler of two parts"),
        "balanced": ("a balance of the harder and the cooler part", "two parts of like strength"),
        "strong": ("a strong harder part", "mainly the harder of two parts"),
        "dominant": ("a dominant harder part", "little of a cooler part"),
        "all": ("an all but exclusive harder part", "only traces of a cooler part"),
    },
    "soft excess": {
        "none": ("no soft excess", "the absence of a soft excess"),
        "faint": ("a faint soft excess", "a hint of a soft excess"),
        "clear": ("a clear soft excess", "a well measured soft excess"),
        "strong": ("a strong soft excess", "an unusually large soft excess"),
        "dominant": ("a dominant soft excess", "soft excess emission above all else"),
    },
    "iron line": {
        "none": ("no iron line", "the absence of an iron line"),
        "weak": ("a weak iron line", "an iron line of small equivalent width"),
        "clear": ("a clear iron line", "an iron line of usual equivalent width"),
        "strong": ("a strong iron line", "an iron line of large equivalent width"),
        "very strong": ("a very strong iron line", "an iron line of huge equivalent width"),
    },
    "variability": {
        "constant": ("a steady level over the years", "no known changes of brightness"),
        "flare": ("repeated flares", "a history of flaring"),
        "dip": ("recurrent dips", "a history of dipping"),
        "eclipse": ("regular eclipses", "an eclipsing geometry"),
        "periodic": ("a stable pulse period", "pulsed, strictly periodic modulation"),
    },
}

_COUNTERPART: dict[str, Phrases] = {
    "latitude": {
        "plane": ("a position right in the Galactic plane", "a place on the Galactic midplane"),
        "low": ("a position of low Galactic latitude", "a place near the Galactic plane"),
        "middle": ("a position of middle Galactic latitude", "a place some way off the Galactic plane"),
        "high": ("a position of high Galactic latitude", "a place far from the Galactic plane"),
    },
    "optical": {
        "very bright": (
            "a very bright optical magnitude of about {n}",
            "naked-eye-like brightness near G = {n}",
        ),
        "bright": ("a bright optical magnitude of about {n}", "bright visible light near G = {n}"),
        "fairly bright": (
            "a fairly bright optical magnitude of about {n}",
            "fairly bright visible light near G = {n}",
        ),
        "middling": ("a middling optical magnitude of about {n}", "middling visible light near G = {n}"),
        "faintish": ("a faintish optical magnitude of about {n}", "rather dim visible light near G = {n}"),
        "faint": ("a faint optical magnitude of about {n}", "dim visible light near G = {n}"),
        "very faint": ("a very faint optical magnitude of about {n}", "barely any visible light, G = {n}"),
    },
    "no optical": {"yes": ("no Gaia counterpart", "a lack of any Gaia match", "a blank optical field")},
    "colour": {
        "very blue": ("a very blue optical colour", "an ultraviolet-bright optical colour"),
        "blue": ("a blue optical colour", "bluish optical photometry"),
        "intermediate": ("an intermediate optical colour", "yellow optical photometry"),
        "orange": ("an orange optical colour", "orange-tinted optical photometry"),
        "red": ("a red optical colour", "reddish optical photometry"),
        "very red": ("a very red optical colour", "strongly reddened optical photometry"),
    },
    "near infrared": {
        "blue": ("a blue near-infrared colour", "near-infrared light of bluish tint"),
        "neutral": ("a neutral near-infrared colour", "near-infrared light of ordinary tint"),
        "red": ("a red near-infrared colour", "near-infrared light of reddish tint"),
        "very red": ("a very red near-infrared colour", "near-infrared light of deep red tint"),
    },
    "infrared brightness": {
        "bright": ("a bright near-infrared magnitude, K = {n}", "bright 2MASS photometry around K = {n}"),
        "fairly bright": (
            "a fairly bright near-infrared magnitude, K = {n}",
            "fairly bright 2MASS photometry around K = {n}",
        ),
        "middling": (
            "a middling near-infrared magnitude, K = {n}",
            "middling 2MASS photometry around K = {n}",
        ),
        "faint": ("a faint near-infrared magnitude, K = {n}", "faint 2MASS photometry around K = {n}"),
        "very faint": (
            "a very faint near-infrared magnitude, K = {n}",
            "very faint 2MASS photometry around K = {n}",
        ),
    },
    "infrared excess": {
        "none": ("no infrared excess", "neutral WISE colours without infrared excess"),
        "slight": ("a slight infrared excess", "slightly red WISE colours"),
        "moderate": ("a moderate infrared excess", "red WISE colours"),
        "strong": ("a strong infrared excess", "very red WISE colours"),
    },
    "dust": {
        "none": ("no warm dust", "a bare mid-infrared continuum"),
        "some": ("some warm dust", "a mid-infrared continuum with some dust"),
        "much": ("much warm dust", "a mid-infrared continuum full of dust"),
        "very much": ("very much warm dust", "a mid-infrared continuum ruled by dust"),
    },
    "optical-infrared": {
        "small": ("a flat run from the optical to the infrared", "hardly more infrared than optical light"),
        "moderate": ("a moderate rise from the optical to the infrared", "more infrared than optical light"),
        "large": ("a steep rise from the optical to the infrared", "far more infrared than optical light"),
        "very large": (
            "a very steep rise from the optical to the infrared",
            "overwhelmingly more infrared than optical light",
        ),
    },
    "distance": {
        "very near": (
            "a very nearby distance of {n} pc",
            "a place in the immediate neighbourhood, {n} pc off",
        ),
        "near": ("a nearby distance of {n} pc", "a place in the wider neighbourhood, {n} pc off"),
        "modest": ("a modest distance of {n} pc", "a place a few hundred parsecs away, {n} pc off"),
        "intermediate": ("an intermediate distance of {n} pc", "a place about a kiloparsec away, {n} pc off"),
        "far": ("a far distance of {n} pc", "a place in another arm of the Galaxy, {n} pc off"),
        "very far": ("a very far distance of {n} pc", "a remote place of the Galaxy, {n} pc off"),
    },
    "motion": {
        "none": ("no proper motion beyond {n} mas/yr", "a position at rest within {n} mas/yr"),
        "small": ("a small proper motion of {n} mas/yr", "a slow drift of {n} mas/yr"),
        "moderate": ("a moderate proper motion of {n} mas/yr", "a steady drift of {n} mas/yr"),
        "large": ("a large proper motion of {n} mas/yr", "a fast drift of {n} mas/yr"),
        "very large": ("a very large proper motion of {n} mas/yr", "a very fast drift of {n} mas/yr"),
    },
    "parallax": {
        "insignificant": ("an insignificant parallax", "a parallax lost in its error"),
        "marginal": ("a marginal parallax", "a parallax a few times its error"),
        "significant": ("a significant parallax", "a parallax far above its error"),
    },
}

_IDENTITY: dict[str, Phrases] = {
    "class": {
        "AGN": ("an active galactic nucleus", "an AGN", "an accreting supermassive black hole"),
        "CV": ("a cataclysmic variable", "an accreting white dwarf", "a white dwarf binary"),
        "HM-STAR": ("a high-mass star", "a hot massive star", "an early-type star"),
        "HMXB": ("a high-mass X-ray binary", "an HMXB", "an accreting binary with a massive donor"),
        "LM-STAR": ("a low-mass star", "a coronally active late-type star", "a cool field star"),
        "LMXB": ("a low-mass X-ray binary", "an LMXB", "an accreting binary with a low-mass donor"),
        "NS": ("a neutron star", "an isolated neutron star", "a pulsar"),
        "YSO": ("a young stellar object", "a YSO", "a young pre-main-sequence star"),
    },
    "subtype": {
        "AGN/type 1": ("a type 1 nucleus", "a Seyfert 1 or unobscured quasar"),
        "AGN/type 2": ("a type 2 nucleus", "a Seyfert 2 or obscured quasar"),
        "AGN/Compton-thick": ("a Compton-thick nucleus", "a buried Seyfert 2 of the Compton-thick kind"),
        "CV/non-magnetic": ("a non-magnetic system with an inner boundary layer", "a dwarf nova"),
        "CV/intermediate polar": ("an intermediate polar", "a DQ Herculis system"),
        "CV/polar": ("a polar", "an AM Herculis system"),
        "CV/supersoft": ("a supersoft source burning on the surface", "a nova-like supersoft source"),
        "HM-STAR/wind": ("an O star with a shocked wind", "an O star with an ordinary stellar wind"),
        "HM-STAR/B star": ("a B star", "an early B-type star"),
        "HM-STAR/magnetic or colliding winds": (
            "a colliding-wind binary",
            "an O star with a magnetically confined wind",
        ),
        "HM-STAR/Wolf-Rayet": ("a Wolf-Rayet star", "an evolved star of Wolf-Rayet type"),
        "HM-STAR/gamma Cas": ("a gamma Cas star", "a Be star of the gamma Cas kind"),
        "HMXB/Be": ("a Be X-ray binary", "a Be system with an accreting pulsar"),
        "HMXB/supergiant": ("a supergiant X-ray binary", "a wind-fed supergiant system"),
        "HMXB/black hole or gamma-ray binary": ("a gamma-ray binary", "a massive black hole binary"),
        "HMXB/faint Be": ("a quiescent Be X-ray binary", "a faint persistent Be system"),
        "LM-STAR/active": ("an active star", "a coronally active dwarf"),
        "LM-STAR/quiet": ("an old, quiet star", "an inactive dwarf with a faint corona"),
        "LM-STAR/flaring": ("a flare star", "an RS CVn binary or flare star"),
        "LMXB/hard": ("a binary in the hard state", "an atoll source in the hard state"),
        "LMXB/soft": ("a binary in the soft state", "a disc-dominated binary in the soft state"),
        "LMXB/quiescent neutron star": (
            "a quiescent neutron star transient",
            "a quiescent binary with a neutron star atmosphere",
        ),
        "LMXB/quiescent black hole": (
            "a quiescent black hole transient",
            "a black hole binary in quiescence",
        ),
        "LMXB/edge-on": ("an edge-on binary", "an accretion disc corona source"),
        "NS/pulsar with nebula": (
            "a young pulsar with a wind nebula",
            "a rotation-powered pulsar in a nebula",
        ),
        "NS/recycled": ("a recycled millisecond pulsar", "a millisecond pulsar"),
        "NS/magnetar": ("a magnetar", "a soft gamma repeater or anomalous pulsar"),
        "NS/cooling": ("a cooling neutron star", "one of the isolated cooling neutron stars"),
        "NS/central compact object": ("a central compact object", "a compact remnant in a supernova shell"),
        "YSO/quiet": ("a weak-lined T Tauri star", "a class III object"),
        "YSO/flaring": ("a flaring T Tauri star", "a violently flaring young star"),
        "YSO/protostar": ("an embedded protostar", "a class I protostar"),
        "YSO/soft": ("a classical T Tauri star", "an accreting class II object"),
    },
    "emission lines": {
        "broad": ("a broad-line object", "an object with broad optical emission lines"),
        "narrow": ("a narrow-line object", "an object with narrow optical emission lines only"),
    },
    "redshift": {
        "local": ("a galaxy of the local Universe", "a nearby galaxy at tiny redshift"),
        "low": ("a galaxy at low redshift", "a low-redshift galaxy"),
        "moderate": ("a galaxy at moderate redshift", "a moderate-redshift galaxy"),
        "intermediate": ("a galaxy near redshift unity", "an intermediate-redshift galaxy"),
        "high": ("a galaxy at high redshift", "a high-redshift galaxy"),
        "very high": ("a galaxy at very high redshift", "a galaxy of the early Universe"),
    },
    "listing": {
        "Sloan": ("an entry of the Sloan spectroscopic lists", "a Sloan spectroscopic target"),
        "deep field": ("an entry of the deep field lists", "a deep field target"),
        "serendipitous": ("an entry of the serendipitous lists", "a serendipitous discovery"),
        "galaxy": ("an entry of the classical galaxy catalogues", "a catalogued bright galaxy"),
        "radio": ("an entry of the radio surveys", "a radio-loud object"),
        "blue excess": ("an entry of the blue excess surveys", "an object found by its blue excess"),
        "infrared": ("an entry of the infrared lists", "an object first named in the infrared"),
        "variable": ("an entry of the catalogue of variable stars", "a named variable star"),
        "bright": ("an entry of the bright star catalogues", "a star of the classical bright catalogues"),
        "cluster member": ("an entry of the cluster member lists", "a numbered cluster member"),
        "hard survey": ("an entry of the all-sky monitors", "a transient of the all-sky monitors"),
    },
}
_COMPANION: Phrases = {
    "Be star": ("a Be star", "a Be star with a disc"),
    "supergiant": ("a supergiant", "an OB supergiant"),
    "massive star": ("another massive star", "a massive O star"),
    "low-mass star": ("a low-mass star", "a late-type star of low mass"),
    "red dwarf": ("a red dwarf", "an M dwarf filling its Roche lobe"),
    "subgiant": ("an evolved subgiant", "a subgiant donor"),
    "white dwarf": ("a white dwarf", "a helium white dwarf"),
}
# family of sentences -> fact -> value -> noun phrases
FAMILIES: dict[str, dict[str, Phrases]] = {
    "source": _SOURCE,
    "counterpart": _COUNTERPART,
    "identity": _IDENTITY,
    "companion": {"companion": _COMPANION},
    "region": {},  # the name of the region is its own phrase
}
FAMILY_OF = {kind: family for family, kinds in FAMILIES.items() for kind in kinds} | {"region": "region"}
