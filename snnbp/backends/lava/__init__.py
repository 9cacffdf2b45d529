"""The declared circuits on Lava, Intel's open framework for Loihi; imported only on request.

`network` builds a circuit from Lava's own Processes, `single` makes it one Process for long runs, `runtime`
starts both and always stops them. Timings are in figures/lava_variants.csv.
"""
