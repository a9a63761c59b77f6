/// How gradients travel between ranks. The bits do not depend on it.
package enum ExchangePath: Sendable, Equatable {
  /// Through a shared window inside each node where it fits, else as messages.
  case automatic
  /// As messages.
  case messages
  /// Through a shared window inside each node, or an error.
  case sharedMemory
}

/// In which order the ranks' gradients are added.
public enum GradientReduction: String, Sendable, CaseIterable {
  /// By the fixed tree: the same bits on any number of ranks.
  case tree
  /// By MPI_Allreduce, in whatever order it takes.
  case allreduce
}
