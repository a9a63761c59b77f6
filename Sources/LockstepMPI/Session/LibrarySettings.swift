import LockstepPlatform

/// What an MPI library is told before it starts: variables of the environment, where the user has not set
/// them.
package struct LibrarySettings {
  /// The library's own text of its version.
  package let library: String
  /// Whether a launcher has started this process.
  package let isLaunched: Bool
  /// How many ranks MPICH's launcher has started on this node; nil where it has not.
  package let ranksOfNode: Int?
  /// The processors of the node.
  package let processors: Int

  package init(library: String, isLaunched: Bool, ranksOfNode: Int?, processors: Int) {
    self.library = library
    self.isLaunched = isLaunched
    self.ranksOfNode = ranksOfNode
    self.processors = processors
  }

  /// For this process.
  init(isLaunched: Bool) {
    self.init(
      library: MPILibrary.version, isLaunched: isLaunched,
      ranksOfNode: getenv("MPI_LOCALNRANKS").flatMap { Int(String(cString: $0)) },
      processors: Processors.online)
  }

  /// The variables and their values.
  package var variables: [String: String] {
    var result: [String: String] = [:]
    if !isLaunched { result.merge(Self.alone) { $1 } }
    if library.contains("Open MPI v4") { result.merge(Self.withoutBrokenWindows) { $1 } }
    if let ranksOfNode, ranksOfNode > processors { result.merge(Self.sleeping) { $1 } }
    return result
  }

  /// Sets them, but for those that are set.
  func apply() {
    for (name, value) in variables { setenv(name, value, 0) }
  }

  /// Lets Open MPI start a process that no launcher has started without a helper process, which it needs
  /// for starting others only: some tenths of a second sooner. Nor does such a process get a folder for its
  /// session: all of a user's have the same, and one that ends takes it from under another that starts.
  private static let alone = [
    "OMPI_MCA_ess_singleton_isolated": "1", "OMPI_MCA_orte_create_session_dirs": "0",
  ]

  /// Keeps Open MPI 4 from its windows over remote memory access, which end the process in atomic operations
  /// between ranks of a node (seen in 4.1.4): those by shared memory and by messages work.
  private static let withoutBrokenWindows = ["OMPI_MCA_osc": "^rdma"]

  /// Lets waiting ranks of MPICH sleep for a microsecond after each look, which is for ranks that share a
  /// processor: by default they keep it from the rank that they wait for. Open MPI's yield of themselves.
  private static let sleeping = [
    "MPIR_CVAR_CH4_PROGRESS_THROTTLE": "1",
    "MPIR_CVAR_CH4_PROGRESS_THROTTLE_NO_PROGRESS_COUNT": "1",
  ]
}
