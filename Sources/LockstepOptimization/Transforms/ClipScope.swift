import LockstepCatalog
import LockstepEngine

/// Which tensors a clip is about.
///
/// A clip's `scope` is a list of name patterns (`*` any run of characters, `?` one). The norm is
/// then that of the matching tensors alone, and all others pass untouched. An empty list means all.
struct ClipScope {
  /// Whether each slot is meant.
  let chosen: [Bool]
  /// Whether all are.
  let isWhole: Bool

  /// - Throws: ``HyperparameterError`` of the key `scope` where a pattern matches nothing.
  init(_ patterns: [String], of layout: FlatLayout, owner: String) throws {
    isWhole = patterns.isEmpty
    for pattern in patterns {
      let matcher = NameGlob(pattern)
      guard layout.slots.contains(where: { matcher.matches($0.name) }) else {
        throw HyperparameterError(
          owner: owner, key: "scope", value: "\"\(pattern)\"",
          problem: "matches no trainable parameter; there are "
            + NameGlob.list(layout.slots.map(\.name)))
      }
    }
    let matchers = patterns.map { NameGlob($0) }
    chosen = layout.slots.map { slot in
      patterns.isEmpty || matchers.contains { $0.matches(slot.name) }
    }
  }

  /// Gives all slots in scope one coefficient, nil to leave them alone.
  func set(_ coefficient: Double?, in factors: inout [Double?]) {
    for slot in factors.indices { factors[slot] = chosen[slot] ? coefficient : nil }
  }

  /// The Euclidean norm of everything when the scope, whose norm was `norm`, is multiplied by a
  /// coefficient.
  func clippedNorm(
    _ norm: Double, coefficient: Double?, _ measurements: Measurements, _ factors: [Double?]
  ) -> Double {
    guard let coefficient else { return measurements.norm(.update(.two)) }
    return isWhole ? norm * coefficient : measurements.norm(scaledBy: factors)
  }
}

extension Hyperparameter {
  static var scope: Self {
    .with("scope", .texts, [], "patterns of the tensors that it is about; all if empty")
  }
}
