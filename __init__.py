"""chandra-embed: embed, align and score the Chandra Source Catalog."""
