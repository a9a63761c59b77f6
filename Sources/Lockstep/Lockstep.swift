/// One import for programs that train: `import Lockstep`.
@_exported import LockstepCollective
@_exported import LockstepDatasets
@_exported import LockstepDistributed
@_exported import LockstepEngine
@_exported import LockstepFiles
@_exported import LockstepFold
@_exported import LockstepLayers
@_exported import LockstepMPI
@_exported import LockstepObservation
@_exported import LockstepOptimization
@_exported import LockstepState
@_exported import LockstepTraining
