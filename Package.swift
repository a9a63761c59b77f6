// swift-tools-version: 6.1
import PackageDescription

/// The name of a target that is depended on.
func name(of dependency: Target.Dependency) -> String? {
  switch dependency {
  case .targetItem(let name, _), .byNameItem(let name, _): name
  default: nil
  }
}

/// A test target that mirrors one source module.
func tests(
  _ module: String, _ more: [Target.Dependency] = [], exclude: [String] = []
) -> Target {
  .testTarget(
    name: "\(module)Tests",
    dependencies: [.init(stringLiteral: module)] + more.filter { name(of: $0) != module },
    exclude: exclude
  )
}

/// The modules of what ranks are to each other, what they fold, and what they keep.
let core: [Target.Dependency] = [
  "LockstepPlatform", "LockstepObservation", "LockstepCollective", "LockstepFold", "LockstepState",
]

/// What tests of these modules, and of the trainer, may use.
let trainingTests: [Target.Dependency] =
  core + [
    "LockstepTraining", "LockstepEngine", "LockstepLayers", "LockstepOptimization", "LockstepFiles",
    "LockstepDatasets", "LockstepTestSupport", "LockstepTrainingTestSupport",
  ]

/// Which MPI and which oneDNN are meant, by the names of their pkg-config files (docs/libraries.md).
let mpi = Context.environment["LOCKSTEP_MPI"] ?? "ompi-c"
let oneDNN = Context.environment["LOCKSTEP_ONEDNN"]

let package = Package(
  name: "Lockstep",
  products: [
    .executable(name: "lockstep", targets: ["LockstepCommand"]),
    .library(name: "LockstepMPI", targets: ["LockstepMPI"]),
    .library(name: "MPITesting", targets: ["MPITesting"]),
    .library(name: "LockstepTesting", targets: ["LockstepTesting"]),
    .library(name: "Lockstep", targets: ["Lockstep"]),
  ],
  targets: [
    // C libraries of the system.
    .systemLibrary(name: "CMPI", pkgConfig: mpi, providers: [.apt(["libopenmpi-dev"])]),
    .systemLibrary(name: "COneDNN", pkgConfig: oneDNN, providers: [.apt(["libdnnl-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
    .systemLibrary(name: "CXXHash", pkgConfig: "libxxhash", providers: [.apt(["libxxhash-dev"])]),
    .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
    .systemLibrary(name: "CJPEG", pkgConfig: "libjpeg", providers: [.apt(["libjpeg-dev"])]),

    // Messages of ONNX and of TensorBoard: scripts/make-protocol-buffers.sh writes the code.
    .target(
      name: "CProtocolBuffers", exclude: ["Protocols"],
      linkerSettings: [.linkedLibrary("protobuf-c")]),

    // Vector kernels: one table of functions an instruction set.
    .target(name: "CLockstepKernels"),

    // The one place that tells C libraries apart: threads, clocks, processors.
    .target(name: "LockstepPlatform"),

    // MPI, usable on its own.
    .target(name: "LockstepMPI", dependencies: ["CMPI", "LockstepPlatform"]),

    // For tests of distributed code: programs under mpirun, whatever they are written with.
    .target(name: "MPITesting", dependencies: ["LockstepPlatform"]),
    // For tests of what trains: groups of threads too.
    .target(name: "LockstepTesting", dependencies: ["MPITesting", "LockstepCollective"]),
    .executableTarget(
      name: "mpi-checks", dependencies: ["LockstepMPI"], path: "Tests/Programs/mpi-checks"),
    tests("MPITesting", ["mpi-checks"]),
    .executableTarget(
      name: "heat-equation", dependencies: ["LockstepMPI"], path: "Examples/HeatEquation",
      packageAccess: false),
    tests("LockstepMPI", ["MPITesting", "mpi-checks", "heat-equation"]),
    tests("LockstepTesting", ["LockstepTraining", "LockstepCollective"]),

    // The trainer, from the inside out.
    .target(
      name: "LockstepEngine", dependencies: ["COneDNN", "CLockstepKernels", "LockstepPlatform"],
      linkerSettings: oneDNN == nil ? [.linkedLibrary("dnnl")] : []),
    .target(
      name: "LockstepLayers",
      dependencies: [
        "LockstepEngine", "LockstepOptimization", "LockstepCatalog", "LockstepFiles",
        "LockstepPlatform",
      ]),
    .target(
      name: "LockstepOptimization",
      dependencies: ["LockstepEngine", "LockstepCatalog", "LockstepFiles", "CLockstepKernels"]),
    .target(
      name: "LockstepFiles", dependencies: ["CZlib", "CZstd", "CXXHash", "LockstepPlatform"]),
    // What configurations can name: keys, kinds, defaults, ranges; errors, tables and the schema.
    .target(name: "LockstepCatalog", dependencies: ["LockstepFiles"]),
    tests("LockstepCatalog", ["LockstepFiles", "LockstepTestSupport"]),
    // Files of ONNX: models that were trained, written; models of others, read.
    .target(
      name: "LockstepONNX",
      dependencies: [
        "LockstepEngine", "LockstepLayers", "LockstepCatalog", "LockstepFiles", "LockstepPlatform",
        "CProtocolBuffers",
      ]),
    tests(
      "LockstepONNX",
      [
        "LockstepEngine", "LockstepLayers", "LockstepCatalog", "LockstepFiles",
        "LockstepTestSupport",
      ], exclude: ["Fixtures"]),
    .target(name: "CLockstepData", exclude: ["Resources"]),
    .target(
      name: "LockstepDatasets",
      dependencies: [
        "LockstepEngine", "LockstepCatalog", "LockstepFiles", "CLockstepData", "CPNG", "CJPEG",
      ]),
    // What ranks are to each other, and what they fold.
    .target(
      name: "LockstepObservation",
      dependencies: ["LockstepEngine", "LockstepFiles", "LockstepPlatform"]),
    .target(
      name: "LockstepCollective",
      dependencies: [
        "LockstepEngine", "LockstepObservation", "LockstepFiles", "LockstepPlatform",
      ]),
    .target(
      name: "LockstepFold",
      dependencies: [
        "LockstepCollective", "LockstepObservation", "LockstepDatasets", "LockstepEngine",
        "LockstepFiles", "LockstepPlatform", "CLockstepKernels",
      ]),
    .target(
      name: "LockstepState",
      dependencies: [
        "LockstepFold", "LockstepCollective", "LockstepObservation", "LockstepDatasets",
        "LockstepEngine", "LockstepFiles", "LockstepPlatform", "CLockstepKernels",
      ]),
    .target(
      name: "LockstepTraining",
      dependencies: [
        "LockstepEngine", "LockstepLayers", "LockstepOptimization", "LockstepDatasets",
        "LockstepState", "LockstepFold", "LockstepCollective", "LockstepObservation",
        "LockstepFiles", "LockstepPlatform", "CLockstepKernels",
      ]),
    .target(
      name: "LockstepDistributed",
      dependencies: [
        "LockstepFold", "LockstepCollective", "LockstepObservation", "LockstepEngine",
        "LockstepPlatform", "LockstepMPI",
      ]),
    .executableTarget(
      name: "fold-checks",
      dependencies: [
        "LockstepDistributed", "LockstepTraining", "LockstepEngine", "LockstepFiles", "LockstepMPI",
      ] + core, path: "Tests/Programs/fold-checks"),
    .executableTarget(
      name: "training-checks",
      dependencies: [
        "LockstepDistributed", "LockstepTraining", "LockstepDatasets", "LockstepOptimization",
        "LockstepEngine", "LockstepFiles", "LockstepMPI", "LockstepTrainingTestSupport",
      ] + core, path: "Tests/Programs/training-checks"),
    .target(name: "CAllocationCount", path: "Tests/CAllocationCount"),
    .executableTarget(
      name: "allocation-checks",
      dependencies: [
        "CAllocationCount", "LockstepDistributed", "LockstepTraining", "LockstepDatasets",
        "LockstepOptimization", "LockstepEngine", "LockstepMPI", "LockstepTrainingTestSupport",
      ] + core, path: "Tests/Programs/allocation-checks"),
    tests(
      "LockstepDistributed",
      [
        "LockstepTesting", "LockstepTrainingTestSupport", "LockstepFiles", "LockstepEngine",
        "fold-checks", "training-checks", "allocation-checks",
      ]),
    .target(
      name: "Lockstep",
      dependencies: [
        "LockstepEngine", "LockstepLayers", "LockstepOptimization", "LockstepDatasets",
        "LockstepFiles", "LockstepTraining", "LockstepDistributed", "LockstepMPI",
      ] + core,
      exclude: ["Lockstep.docc/Resources"]),
    .executableTarget(
      name: "documented", dependencies: ["Lockstep", "LockstepMPI", "LockstepTesting"],
      path: "Tests/Programs/documented", packageAccess: false),
    .executableTarget(
      name: "compare-methods",
      dependencies: ["Lockstep", "LockstepEngine", "LockstepTraining", "LockstepFiles"] + core,
      path: "Benchmarks/Methods", exclude: ["plot.py"]),
    .executableTarget(
      name: "read-table", dependencies: ["LockstepDatasets", "LockstepFiles", "LockstepPlatform"],
      path: "Benchmarks/Tables", exclude: ["tables.py"]),
    .executableTarget(
      name: "own-model", dependencies: ["Lockstep"], path: "Examples/OwnModel",
      packageAccess: false),
    .executableTarget(
      name: "own-operation", dependencies: ["Lockstep"],
      path: "Examples/OwnOperation/Sources/OwnOperation", packageAccess: false),
    .target(
      name: "LockstepConfiguration",
      dependencies: [
        "LockstepCatalog", "LockstepEngine", "LockstepLayers", "LockstepOptimization",
        "LockstepDatasets", "LockstepFiles", "LockstepONNX", "LockstepTraining",
      ] + core),
    .executableTarget(
      name: "LockstepCommand",
      dependencies: [
        "Lockstep", "LockstepBenchmark", "LockstepCatalog", "LockstepConfiguration",
        "LockstepFiles", "LockstepMPI", "LockstepONNX", "LockstepReports", "LockstepTensorBoard",
        "LockstepTesting",
        "LockstepPlatform",
      ]),
    // Files that TensorBoard reads.
    .target(
      name: "LockstepTensorBoard",
      dependencies: ["CProtocolBuffers", "LockstepFiles", "LockstepPlatform"]),
    tests("LockstepTensorBoard", ["LockstepFiles"], exclude: ["Reference"]),
    // The style and the script of the page of `lockstep report`.
    .target(name: "CLockstepPage", exclude: ["Resources"]),
    .target(
      name: "LockstepReports",
      dependencies: ["CLockstepPage", "LockstepFiles", "LockstepPlatform"]),
    tests("LockstepReports", ["LockstepFiles", "LockstepTestSupport"]),

    tests(
      "LockstepConfiguration",
      [
        "LockstepCatalog", "LockstepEngine", "LockstepLayers", "LockstepOptimization",
        "LockstepDatasets", "LockstepFiles", "LockstepTraining", "LockstepTrainingTestSupport",
        "LockstepTestSupport",
      ] + core),
    .testTarget(
      name: "LockstepCommandTests",
      dependencies: [
        "LockstepCommand", "own-model", "own-operation", "documented", "LockstepTesting",
        "LockstepConfiguration", "LockstepFiles", "LockstepEngine", "LockstepTestSupport",
      ]),

    .target(
      name: "LockstepBenchmark",
      dependencies: [
        "LockstepEngine", "LockstepLayers", "LockstepOptimization", "LockstepDatasets",
        "LockstepFiles", "LockstepTraining", "LockstepDistributed", "LockstepMPI",
        "CLockstepKernels",
      ] + core),
    .executableTarget(
      name: "benchmark-checks",
      dependencies: ["LockstepBenchmark", "LockstepDistributed", "LockstepFiles", "LockstepMPI"],
      path: "Tests/Programs/benchmark-checks"),
    tests(
      "LockstepBenchmark",
      [
        "LockstepEngine", "LockstepDatasets", "LockstepTraining", "LockstepFiles",
        "LockstepTesting", "benchmark-checks",
      ] + core),

    // What tests of several modules share.
    .target(
      name: "LockstepTestSupport",
      dependencies: ["LockstepEngine", "LockstepCatalog", "LockstepFiles", "CZlib"],
      path: "Tests/LockstepTestSupport", exclude: ["Data"]),
    .target(
      name: "LockstepTrainingTestSupport",
      dependencies: [
        "LockstepTraining", "LockstepDatasets", "LockstepEngine", "LockstepOptimization",
        "LockstepFiles",
      ] + core, path: "Tests/LockstepTrainingTestSupport"),

    tests("LockstepEngine", ["LockstepFiles", "LockstepTestSupport", "CLockstepKernels"]),
    tests(
      "LockstepLayers",
      [
        "LockstepEngine", "LockstepOptimization", "LockstepCatalog", "LockstepFiles",
        "LockstepTestSupport",
      ]),
    tests("LockstepFiles", ["LockstepTestSupport"], exclude: ["Fixtures"]),
    tests("LockstepObservation", trainingTests),
    tests("LockstepCollective", trainingTests),
    tests("LockstepFold", trainingTests),
    tests("LockstepState", trainingTests),
    tests("LockstepTraining", trainingTests),
    tests(
      "LockstepDatasets", ["LockstepEngine", "LockstepFiles", "LockstepTestSupport", "CZstd"],
      exclude: ["Fixtures"]),
    .testTarget(
      name: "LockstepOptimizationTests",
      dependencies: [
        "LockstepOptimization", "LockstepEngine", "LockstepCatalog", "LockstepFiles",
        "LockstepTestSupport", "CLockstepKernels",
      ],
      exclude: ["Reference"]),
  ],
  swiftLanguageModes: [.v6]
)

// A release build compiles a module anew when a module changes that it *lists* as a dependency, but
// whole-module optimisation also builds the layout and the inlined code of deeper modules into it.
// Each target therefore lists all modules below it, so that no stale object is left.
do {
  let targets = Dictionary(uniqueKeysWithValues: package.targets.map { ($0.name, $0) })
  func below(_ target: Target, into found: inout [String]) {
    for dependency in target.dependencies.compactMap(name) where !found.contains(dependency) {
      found.append(dependency)
      if let next = targets[dependency] { below(next, into: &found) }
    }
  }
  let all = package.targets.map { target in
    var found: [String] = []
    below(target, into: &found)
    return found
  }
  for (target, found) in zip(package.targets, all) {
    let listed = Set(target.dependencies.compactMap(name))
    target.dependencies += found.filter { !listed.contains($0) }.map { .target(name: $0) }
  }
}
