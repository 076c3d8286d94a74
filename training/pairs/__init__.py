"""Semi-simulated texts for simulated detections: what literature and surveys say of their source."""

# for whoever shows figures from these texts; stands at the head of every file of them
SEMI_SIMULATED = (
    "Semi-simulated: the sources are real, and so are their classes, positions, counterpart names, Gaia, "
    "2MASS and WISE photometry and astrometry (MUWCLASS training set), and so are the sentences of "
    "literature, which come from abstracts on arXiv. Simulated are the spectra and events, and the X-ray "
    "physics that a text states in words (sub-population, absorption, reddening and extinction, "
    "temperatures, slopes, lines, redshift, kind of light curve, companion): it is what the simulator "
    "drew for the detection, so another repetition of a source has another text. The other sentences are "
    "templates; 5 % of the facts are wrong and 15 % left out (the class: 3 % and 10 %). No text holds a "
    "number or word computed from the spectrum, counts, events, hardness, flux or variability of its "
    "detection, and no sentence or filled template stands in two of the splits. Figures from such pairs "
    "say how well a model finds what it was told in this way; on real literature they will differ."
)
