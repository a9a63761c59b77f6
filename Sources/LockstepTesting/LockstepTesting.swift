/// Programs under `mpirun` and their results, of the module `MPITesting`, come with this one.
@_exported import MPITesting
