import LockstepEngine

/// Which tensors an update takes as matrices; it leaves all others to an element-wise rule.
package struct MatrixChoice: Sendable, Equatable {
  /// The update, for messages.
  let owner: String
  /// The hyperparameter that has the patterns, for messages.
  let key: String
  /// Patterns of the matrices that are left to the other rule. None: tables and output layers are, as
  /// their part in the model tells.
  let others: [String]

  /// A choice for an update.
  package init(owner: String, key: String, others: [String]) {
    self.owner = owner
    self.key = key
    self.others = others
  }

  /// Whether each tensor of a layout is a matrix for the update. Vectors and scalars never are.
  ///
  /// - Throws: ``HyperparameterError`` where a pattern matches nothing, or no matrix is left.
  package func matrices(in layout: FlatLayout) throws -> [Bool] {
    let names = layout.slots.map(\.name)
    for pattern in others where !names.contains(where: NameGlob(pattern).matches) {
      throw HyperparameterError(
        owner: owner, key: key, value: "\"\(pattern)\"",
        problem: "matches no trainable parameter; there are \(NameGlob.list(names))")
    }
    let globs = others.map { NameGlob($0) }
    let chosen = layout.slots.map { slot in
      guard slot.matrixRows > 0, slot.count > 0 else { return false }
      return globs.isEmpty
        ? slot.role == .kernel || slot.role == nil : !globs.contains { $0.matches(slot.name) }
    }
    guard chosen.contains(true) else {
      let candidates = layout.slots.filter { $0.matrixRows > 0 }.map(\.name)
      throw HyperparameterError(
        owner: owner, key: key, value: "\(others)",
        problem: candidates.isEmpty
          ? "leaves nothing to '\(owner)', which works on matrices: the model has none; take 'adamW'"
          : "leaves nothing to '\(owner)': of the matrices \(NameGlob.list(candidates)) it takes those of "
            + "hidden layers, or all but the patterns that are given here")
    }
    return chosen
  }
}
