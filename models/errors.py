"""The root of every error this package raises on purpose, and the one that bundles raise."""


class ChandraEmbedError(Exception):
    """Something the user can mend; its text is one line naming the file, the value and the mend."""


class BundleError(ChandraEmbedError):
    """A frozen model that is missing, altered, or made for another version."""
