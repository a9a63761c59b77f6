import LockstepCatalog
import LockstepEngine

/// Holds the logits of attentions near a threshold: QK-clip. Where the largest logit S of a head in the step,
/// q · k / √D over all examples of the batch, exceeded the threshold τ, the head's rows are multiplied: those that
/// make queries by γ^α, those that make keys by γ^(1 − α), γ = τ/S. The head's logits on the same batch are then
/// γ times what they would have been.
///
/// It is for the weights, and the biases, of the linear maps that make queries and keys. S is that of the weights
/// before the update. A head with S ≤ τ keeps its bits. Each value is scaled by who updates it: S is known to all
/// ranks. (Kimi Team 2025, "Kimi K2: Open agentic intelligence", 2507.20534, algorithm 1.)
package struct QueryKeyClip: Projection {
  /// τ, above 0.
  package let threshold: Float
  /// α: the part of the scaling that queries take, from 0 to 1.
  package let alpha: Float

  package func validate(owner: String) throws {
    try HyperparameterRange.positive.check(owner, "threshold", Double(threshold))
    try HyperparameterRange.fraction.check(owner, "alpha", Double(alpha))
  }

  /// What the rows of a head are multiplied by.
  func factor(_ part: HeadRows.Part, largestLogit: Double) -> Double? {
    // Not where the logit is not a number, and not by 0.
    guard largestLogit > Double(threshold), largestLogit.isFinite else { return nil }
    let exponent = Double(part == .queries ? alpha : 1 - alpha)
    let ratio = Double(threshold) / largestLogit
    return exponent == 0.5 ? ratio.squareRoot() : ExactMath.power(ratio, exponent)
  }
}

extension WeightConstraint {
  /// A head of an attention whose largest logit in a step exceeded `threshold` has its rows scaled, so that logits
  /// shrink to it: the rows of queries take γ^alpha, those of keys γ^(1 − alpha), γ = threshold / logit (QK-clip).
  public static func qkClip(_ threshold: Float = 100, alpha: Float = 0.5) -> Self {
    .init(QueryKeyClip(threshold: threshold, alpha: alpha), axes: .all)
  }

  static let qkClipEntry = entry(
    "qkClip", "scales the queries and keys of heads whose largest logit exceeds threshold",
    [
      .with("threshold", .positive, 100, "the largest logit"),
      .with("alpha", .fraction, 0.5, "the queries' part of the scaling"),
    ]
  ) { .qkClip($0["threshold"], alpha: $0["alpha"]) }
}

extension QueryKeyClip {
  /// Throws where a tensor that is to be clipped makes no heads, or others that make the same heads are not clipped
  /// with it: because no rule is about them, or because they do not move.
  ///
  /// - Parameters:
  ///   - frozen: the tensors that never move; nil where it is not known.
  ///   - starts: the number of steps before the first that moves each slot; empty where all move from the start.
  package static func check(
    _ constraints: [WeightConstraint?], _ layout: FlatLayout, frozen: FlatLayout? = nil,
    starts: [Int] = []
  ) throws {
    for (slot, tensor) in layout.slots.enumerated() {
      guard let constraint = constraints[slot], constraint.projection is QueryKeyClip else {
        continue
      }
      func error(_ problem: String) -> HyperparameterError {
        HyperparameterError(
          owner: "constraint on \(tensor.name)", key: "type", value: "qkClip", problem: problem)
      }
      guard !tensor.heads.isEmpty else {
        throw error(
          "is for weights and biases that make queries or keys of an attention by a linear map, with nothing "
            + "but rotary positions behind it: \(candidates(layout, frozen))")
      }
      let heads = Set(tensor.heads.map(\.firstHead))
      let forgotten = layout.slots.indices.filter { other in
        layout.slots[other].heads.contains { heads.contains($0.firstHead) }
          && constraints[other] != constraint
      }
      guard forgotten.isEmpty else {
        throw error(
          "must hold for \(NameGlob.list(forgotten.map { layout.slots[$0].name })) in the same way, which "
            + "\(forgotten.count == 1 ? "makes" : "make") queries or keys of the same heads: let the rule's "
            + "pattern take all of them")
      }
      let still = (frozen?.slots ?? []).filter {
        $0.heads.contains { heads.contains($0.firstHead) }
      }
      guard still.isEmpty else {
        throw error(
          "must hold for all that makes queries or keys of the same heads, and \(NameGlob.list(still.map(\.name))) "
            + "\(still.count == 1 ? "is" : "are") frozen: freeze all of them, or none")
      }
      let late = layout.slots.indices.filter { other in
        !starts.isEmpty && starts[other] != starts[slot]
          && layout.slots[other].heads.contains { heads.contains($0.firstHead) }
      }
      guard late.isEmpty else {
        throw error(
          "must hold for all that makes queries or keys of the same heads, and "
            + "\(NameGlob.list(late.map { layout.slots[$0].name })) \(late.count == 1 ? "begins" : "begin") to move "
            + "with another step: let one stage of 'unfreeze' name all of them")
      }
      for (index, rows) in tensor.heads.enumerated() {
        for other in tensor.heads[..<index]
        where rows.overlaps(other) && !rows.scalesAlike(other) {
          throw error(
            "cannot scale rows of \(tensor.name) that make queries and keys at once, or heads of two widths"
          )
        }
      }
    }
  }
}

extension QueryKeyClip {
  /// What it can be for in a model, or why there is nothing.
  private static func candidates(_ layout: FlatLayout, _ frozen: FlatLayout?) -> String {
    func names(_ layout: FlatLayout) -> [String] {
      layout.slots.filter { !$0.heads.isEmpty }.map(\.name)
    }
    let others = names(layout)
    guard others.isEmpty else { return "these do: \(NameGlob.list(others))" }
    guard let frozen else { return "the model has none that move" }
    let still = names(frozen)
    return still.isEmpty
      ? "the model has none (attentions of ONNX files are not recognised)"
      : "the model's are frozen: \(NameGlob.list(still))"
  }
}

extension HeadRows {
  private var all: Range<Int> { firstRow..<firstRow + heads * width }

  fileprivate func overlaps(_ other: HeadRows) -> Bool { all.overlaps(other.all) }

  /// Whether the same rows make the same part of as many heads.
  fileprivate func scalesAlike(_ other: HeadRows) -> Bool {
    part == other.part && all == other.all && heads == other.heads
  }
}
