"""The similarity graph as a complex network: degrees, core and periphery, components, pairs of one source."""
