import LockstepCatalog
import LockstepEngine

/// The sides of an update's matrices that have a factor, GGᵀ of rows and GᵀG of columns: those of no more rows or
/// columns than a limit. A larger side has the identity.
struct MatrixSides {
  private let slots: [FlatLayout.Slot]
  private let chosen: [Bool]
  private let limit: Int

  init(_ slots: [FlatLayout.Slot], _ chosen: [Bool], limit: Int) {
    self.slots = slots
    self.chosen = chosen
    self.limit = limit
  }

  /// The size of a side that has a factor, nil for others.
  func size(_ side: Side, of slot: Int) -> Int? {
    guard chosen[slot] else { return nil }
    let size = side == .rows ? slots[slot].matrixRows : slots[slot].matrixColumns
    return size <= limit ? size : nil
  }

  /// State of one square matrix for each side, with a number on its diagonal.
  func state(
    _ name: String, _ side: Side, _ context: TransformContext, diagonal: Float = 0
  ) -> MatrixState {
    let name = (side == .rows ? "row" : "column") + name
    return MatrixState(name, context) { slot in
      size(side, of: slot).map { [$0, $0] }
    } initialize: { slot, values in
      for index in 0..<(size(side, of: slot) ?? 0) {
        values[index * ((size(side, of: slot) ?? 0) + 1)] = diagonal
      }
    }
  }

  enum Side: CaseIterable { case rows, columns }

  /// The keys of a configuration.
  static func keys(_ interval: String) -> [Hyperparameter] {
    [
      .with(
        "preconditionFrequency", .count(from: 1), 10, "the number of updates \(interval)"),
      .with(
        "maxPreconditionDim", .count(from: 1), 1024, "larger sides of matrices have the identity"),
    ]
  }

  static func validate(_ owner: String, _ frequency: Int, _ limit: Int) throws {
    let counts = HyperparameterRange.integer(atLeast: 1)
    try counts.check(owner, "preconditionFrequency", Double(frequency))
    try counts.check(owner, "maxPreconditionDim", Double(limit))
  }
}
