"""A directory for one Process: Lava's compiler executes every module that lies beside a Process's own."""
