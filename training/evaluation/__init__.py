"""How good a model is: reconstruction, clusters, the meaning of latents, nuisances; torch is not needed."""
