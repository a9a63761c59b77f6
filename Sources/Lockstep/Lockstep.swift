/// One import for programs that train: `import Lockstep`.
@_exported import LockstepDatasets
@_exported import LockstepDistributed
@_exported import LockstepEngine
@_exported import LockstepFiles
@_exported import LockstepLayers
@_exported import LockstepMPI
@_exported import LockstepOptimization
@_exported import LockstepTraining
