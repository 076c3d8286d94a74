"""Files of the catalog: FITS in, HDF5 between, tables out."""
