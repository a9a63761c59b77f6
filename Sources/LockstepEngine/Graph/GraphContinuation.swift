extension Graph {
  /// Whether what positions leave is kept for those behind them.
  package var keepsRows: Bool {
    switch continuation {
    case .none, .declared: false
    case .beginning, .next: true
    }
  }

  /// Whether recurrent layers take their first states from inputs, and tell their last ones.
  package var carriesStates: Bool { if case .next = continuation { true } else { false } }

  /// The numbers of the positions that are traced, [N, 1], below the context; nil where they are
  /// 0, 1, 2 and so on.
  package var place: (position: Tensor, context: Int)? {
    guard case .next(let context) = continuation else { return nil }
    return (input(Continuation.position, [batchCount, 1], .int32), context)
  }

  /// How many positions there are with the one that is traced, [N]; nil where all are traced.
  package var lengthSoFar: Tensor? {
    carriesStates ? input(Continuation.length, [batchCount], .int32) : nil
  }
}
