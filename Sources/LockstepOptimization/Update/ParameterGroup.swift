import LockstepCatalog
import LockstepEngine

/// Tensors, chosen by name, whose learning rate, weight decay or clip differs from the rest.
public struct ParameterGroup: Sendable, Equatable {
  /// The dotted names it holds for; `*` stands for any run of characters, `?` for one.
  package let pattern: String
  /// Multiplies the learning rate.
  package let learningRate: Double
  /// Multiplies the weight decay; 0 turns it off.
  package let weightDecay: Double
  /// The largest Euclidean norm of the gradients of all the group's tensors together, limited in
  /// front of the chain; nil for none.
  package let clipNorm: Double?

  /// Makes a group; its rates are factors, where PyTorch's `param_groups` hold values.
  public init(
    _ pattern: String, learningRate: Double = 1, weightDecay: Double = 1, clipNorm: Double? = nil
  ) {
    self.pattern = pattern
    self.learningRate = learningRate
    self.weightDecay = weightDecay
    self.clipNorm = clipNorm
  }

  /// Whether a name belongs to the group.
  package func contains(_ name: String) -> Bool { NameGlob(pattern).matches(name) }
}

extension ParameterGroup {
  /// The keys of a configuration.
  package static let form = Form(
    "group",
    [
      .required("pattern", .text, "names, with * and ?; the first group that matches counts"),
      .with("learningRateFactor", .nonNegative, 1, "multiplies the group's learning rate"),
      .with("weightDecayFactor", .nonNegative, 1, "multiplies the group's weight decay"),
      .optional(
        "clipNorm", .positive, "limits the norm of the group's gradients together"),
    ])

  /// Makes a group from a configuration's values.
  package init(_ values: Hyperparameters) {
    self.init(
      values["pattern"], learningRate: values["learningRateFactor"],
      weightDecay: values["weightDecayFactor"], clipNorm: values["clipNorm"])
  }
}

/// What parameter groups make of a layout: factors of each slot, and the clips of whole groups.
struct SlotGroups {
  /// The learning-rate factor of each slot.
  private(set) var learningRates: [Double] = []
  /// The weight-decay factor of each slot.
  private(set) var weightDecays: [Double] = []
  /// The clip of the groups that have a limit, nil where none has.
  private(set) var clip: ClipByGroupNorm?

  /// The first group that holds for a name counts.
  ///
  /// - Throws: ``HyperparameterError``, ``UpdateError/unmatchedPattern(_:names:)``.
  init(_ groups: [ParameterGroup], layout: FlatLayout) throws {
    for group in groups {
      let owner = "parameter group '\(group.pattern)'"
      try HyperparameterRange.nonNegative.check(owner, "learningRate", group.learningRate)
      try HyperparameterRange.nonNegative.check(owner, "weightDecay", group.weightDecay)
      if let limit = group.clipNorm {
        try HyperparameterRange.positive.check(owner, "clipNorm", limit)
      }
      guard layout.slots.contains(where: { group.contains($0.name) }) else {
        throw UpdateError.unmatchedPattern(group.pattern, names: layout.slots.map(\.name))
      }
    }
    var members: [[Bool]] = groups.map { _ in layout.slots.map { _ in false } }
    for (slot, tensor) in layout.slots.enumerated() {
      let index = groups.firstIndex { $0.contains(tensor.name) }
      learningRates.append(index.map { groups[$0].learningRate } ?? 1)
      weightDecays.append(index.map { groups[$0].weightDecay } ?? 1)
      if let index { members[index][slot] = true }
    }
    let limits = zip(groups, members).compactMap { group, slots in
      group.clipNorm.map { ClipByGroupNorm.Limit(value: $0, slots: slots) }
    }
    if !limits.isEmpty { clip = ClipByGroupNorm(limits: limits) }
  }
}

/// Limits the Euclidean norm of each parameter group that has a limit.
struct ClipByGroupNorm: GradientTransform {
  /// One group's.
  struct Limit: Sendable {
    let value: Double
    /// Whether each slot belongs to the group; no slot belongs to two.
    let slots: [Bool]
  }

  let limits: [Limit]

  func validate() throws {}

  func bind(to context: TransformContext) -> any BoundTransform {
    let scope = context.layout.slots.indices.map { slot in limits.contains { $0.slots[slot] } }
    return BoundScaling(
      context, measure: .update(.two), scope: scope
    ) { measurements, factors in
      var anyClipped = false
      for slot in factors.indices { factors[slot] = nil }
      for limit in limits {
        let norm = measurements.norm(.update(.two), of: limit.slots)
        guard norm > limit.value * (1 + normSlack) else { continue }
        anyClipped = true
        for slot in factors.indices where limit.slots[slot] { factors[slot] = limit.value / norm }
      }
      return anyClipped
        ? measurements.norm(scaledBy: factors) : measurements.norm(.update(.two))
    }
  }
}
